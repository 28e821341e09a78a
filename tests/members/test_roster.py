"""People in and out as CSV: each row by itself, nothing that a spreadsheet would run (I1, F50)."""

import csv
import io
import re

import pytest

from onyx.members import roster

IMPORT = "/api/v1/users/import"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def take(client_of):
    def send(text, query="", by="dana"):
        raw = text if isinstance(text, bytes) else text.encode()
        return client_of(by).post(f"{IMPORT}{query}", data=raw, content_type="text/csv")

    return send


def _mail(world, name):
    return f"{name}@{world.acme.slug}.example"


def _results(answer):
    assert answer.status_code == 200, answer.text
    return {row["email"].partition("@")[0]: row for row in answer.get_json()["data"]["results"]}


def test_each_row_has_its_result_and_a_bad_one_keeps_nobody_out(take, world, app, owner):
    text = "\n".join(
        (
            "email,display_name,roles",
            f"{_mail(world, 'nora')},Nora New,user curator",
            "not an address,Nobody,user",
            f"{_mail(world, 'pia')},Pia,platform_admin",
            f"{_mail(world, 'nora').upper()},Twice,user",
            f"{world.alice.email},Alice,user",
            "",
            f"{_mail(world, 'tom')},,",
        )
    )
    rows = _results(take(text))
    assert {name: row["result"] for name, row in rows.items()} == {
        "nora": "refused", "not an address": "refused", "pia": "refused", "alice": "refused", "tom": "invited",
    }  # fmt: skip
    answer = take(text.replace(_mail(world, "nora").upper(), _mail(world, "zoe")), "?dry_run=true")
    rows = _results(answer)
    assert [rows[name]["result"] for name in ("nora", "zoe", "tom")] == ["would be invited"] * 3
    assert (rows["not an address"]["line"], rows["tom"]["line"]) == (3, 8)
    assert "here already" in rows["alice"]["error"] and "Choose from" in rows["pia"]["error"]
    invited = owner.execute(f"select email, roles from {world.acme.schema}.invitation order by email").fetchall()
    assert invited == [(_mail(world, "nora"), ["curator", "user"]), (_mail(world, "tom"), ["user"])]


def test_links_of_an_import_work(take, world, app):
    row = _results(take(f"email,name\n{_mail(world, 'nora')},Nora"))["nora"]
    token = row["link"].partition("#")[2]
    sent = {"token": token, "password": "a rather long sentence"}
    assert app.test_client().post("/api/v1/invitations/redeem", json=sent).status_code == 201


def test_accounts_can_be_made_without_passwords(take, world, client_of):
    answer = take(f"name;email;roles\nÄnne;{_mail(world, 'anne')};limited".encode("utf-8-sig"), "?make=accounts")
    assert _results(answer)["anne"]["result"] == "created"
    found = client_of("dana").get("/api/v1/users?q=anne").get_json()["data"]
    assert [(row["display_name"], row["roles"]) for row in found] == [("Änne", ["limited"])]


def test_a_dry_run_changes_nothing(take, world, owner):
    for make in ("invitations", "accounts"):
        answer = take(f"email\n{_mail(world, 'nora')}", f"?dry_run=true&make={make}")
        assert answer.get_json()["data"]["done"] == 1 and "link" not in answer.text
    left = owner.execute(
        f"select (select count(*) from {world.acme.schema}.invitation),"
        f" (select count(*) from {world.acme.schema}.app_user where email = %s)",
        [_mail(world, "nora")],
    ).fetchone()
    assert left == (0, 0)


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "raw",
    ["", "name,roles\nx,user", b"email\n\xff\xfe", "email\n" + "a@b.example\n" * 5001, 'email\n"x', "email\nx\x00y"],
)
def test_what_is_no_table_is_refused_whole(take, raw):
    answer = take(raw)
    if raw == 'email\n"x':  # an open quote is a cell of its own
        assert answer.get_json()["data"]["refused"] == 1
    else:
        assert answer.status_code == 422 and "file" in answer.get_json()["error"]["fields"]


def test_an_import_gives_no_more_than_its_asker_has(take, client_of, world):
    dana = client_of("dana")
    maker = dana.post("/api/v1/roles", json={"name": "Adds", "permissions": ["users:manage"]}).get_json()["data"]
    dana.put(f"/api/v1/users/{world.alice.id}/roles", json={"roles": ["user", maker["key"]]})
    rows = _results(take(f"email,roles\n{_mail(world, 'up')},admin\n{_mail(world, 'ok')},user", by="alice"))
    assert (rows["up"]["result"], rows["ok"]["result"]) == ("refused", "invited")
    assert take("email\nx@y.example", by="bob").status_code == 403


def test_an_export_holds_everybody_once_and_nothing_that_runs(client_of, world, owner):
    """F50."""
    dana = client_of("dana")
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", 'Quote"; drop', "O'Hara", "'quoted"]
    for number, name in enumerate(names):
        sent = {"email": f"=p{number}@{world.acme.slug}.example", "display_name": "x"}
        id = dana.post("/api/v1/users", json=sent).get_json()["data"]["id"]
        with owner.transaction():
            owner.execute(f"alter table {world.acme.schema}.profile disable trigger recorded")
            owner.execute(f"update {world.acme.schema}.profile set display_name = %s where user_id = %s", [name, id])
            owner.execute(f"alter table {world.acme.schema}.profile enable trigger recorded")
    answer = dana.get("/api/v1/users/export")
    assert (
        answer.headers["Content-Type"].startswith("text/csv") and "attachment" in answer.headers["Content-Disposition"]
    )
    table = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))
    assert len(table) == len({row["email"] for row in table}) == 6 + len(names)
    assert world.mallory.email not in answer.text
    assert [cell for row in table for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    shown = {row["display_name"] for row in table}
    assert {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t'=1", 'Quote"; drop', "O'Hara", "'quoted"} <= shown
    again = roster.read(answer.get_data(as_text=True))
    assert {row.display_name for row in again} >= {"=1+1", "+1", "@SUM(A1)", "O'Hara", "'quoted"}
    assert client_of("bob").get("/api/v1/users/export").status_code == 403


def test_an_export_is_read_page_by_page(client_of, world, monkeypatch):
    from onyx.members import roster_routes

    monkeypatch.setattr(roster_routes, "PAGE", 2)
    text = client_of("dana").get("/api/v1/users/export").get_data(as_text=True)
    assert sorted(row["email"] for row in csv.DictReader(io.StringIO(text))) == sorted(
        person.email for person in world.people.values() if person.tenant == world.acme
    )


def test_both_stand_in_the_trail(take, client_of, world, owner):
    take(f"email\n{_mail(world, 'nora')}\nnope")
    client_of("dana").get("/api/v1/users/export").get_data()
    found = owner.execute(
        f"select action, details from {world.acme.schema}.audit_event where action like 'people.%' order by recorded_at, event_id"
    ).fetchall()
    assert found == [
        ("people.imported", {"rows": 2, "made": 1, "accounts": False}),
        ("people.exported", {}),
    ]


def test_no_cell_runs_wherever_a_spreadsheet_parts_them():
    """In many languages a spreadsheet parts cells by semicolons, and some let quotes be text (OWASP, CSV Injection)."""
    evil = ["x;=1+1", "x,@SUM(1)", "x\t-1", "x\r=1", "x\n+1", 'x";=1', "x; =1", "\u00a0=1", "\uff1d1+1", "'=1", "x;'=1"]
    person = dict.fromkeys(roster.COLUMNS, "")
    text = "".join(roster.lines(iter([[{**person, "email": f"p{n}@a.example", "display_name": name}
                                       for n, name in enumerate(evil)]])))  # fmt: skip
    assert [row.display_name for row in roster.read(text)] == evil
    begins = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    for separator in ",;\t|":  # whatever quotes mean to it
        cells = [cell.strip('" \u00a0') for cell in re.split(rf"[{separator}\r\n]", text)]
        assert [cell for cell in cells if cell.startswith(begins)] == [], separator


@pytest.mark.parametrize(
    "text", ['"email";"roles";"remarks, if any"\nnora@{0};user;none, yet', "name\temail\nNora, N.\tnora@{0}"]
)
def test_the_header_line_says_what_parts_the_columns(take, world, text):
    answer = take(text.format(f"{world.acme.slug}.example"), "?dry_run=true")
    assert [row["result"] for row in answer.get_json()["data"]["results"]] == ["would be invited"], answer.text
