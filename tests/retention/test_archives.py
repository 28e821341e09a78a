"""Months of the access log: archived, signed, proved whole, then dropped; killed at each step, run again to finish."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import date, datetime, timedelta

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from onyx.core.actor import Actor, Request
from onyx.core.scope import Scope
from onyx.core.signing import NotGenuine
from onyx.edge.access_log import AccessLog
from onyx.retention import archiving, months, operations, shelf
from onyx.retention.log_file import Archive, Damaged, read, sha256_of
from onyx.tenancy import signing
from onyx.tenancy.backup_ledger import lock_of
from onyx.tenancy.steward import Refused
from onyx.tenancy.walls import control_plane

STEPS = ("export written", "recorded", "dropping", "dropped", "settled")


@pytest.fixture
def keep_log(owner):
    """Have a tenant's access log kept for so many days."""

    def keep(tenant, days):
        owner.execute(
            "update onyx.tenant set settings = jsonb_strip_nulls(settings || jsonb_build_object('retention_access_days',"
            " %s::integer)) where id = %s",
            [days, tenant.id],
        )

    return keep


@pytest.fixture
def ledger(owner):
    def of(tenant):
        return owner.execute(
            "select log_partition, state, entries, sha256, name, manifest, id from onyx.log_archive where tenant_id = %s"
            " order by id",
            [tenant.id],
        ).fetchall()

    return of


@pytest.fixture
def archive(owner_url, var, steward, app):
    def run(tenant, step=archiving.nothing):
        return archiving.archive(owner_url, var, tenant.id, steward(tenant), step=step)

    return run


def test_whole_months_go_after_they_were_archived(
    world, owner, old_log, keep_log, archive, ledger, partitions_of, events, var, app
):
    old, older, young = old_log(world.acme, 5), old_log(world.acme, 7, lines=2500), old_log(world.acme, 1)
    theirs, trail = old_log(world.globex, 9), partitions_of(world.acme, "audit_event")
    keep_log(world.acme, 90)
    told = archive(world.acme)
    assert told == {"tenant": world.acme.slug, "months": sorted([old, older]), "entries": 2503}
    assert old not in partitions_of(world.acme) and older not in partitions_of(world.acme)
    assert young in partitions_of(world.acme) and theirs in partitions_of(world.globex)
    assert partitions_of(world.acme, "audit_event") == trail, "the audit trail is never touched"
    rows = ledger(world.acme)
    assert [(row[0], row[1], row[2]) for row in rows] == [(older, "dropped", 2500), (old, "dropped", 3)]
    for (name, _, entries, sha256, file, manifest, id), event in zip(
        rows, events(world.acme, "access_log.archived"), strict=True
    ):
        path = shelf.folder_of(var, world.acme.id) / file
        assert sha256_of(path) == bytes(sha256) and path.stat().st_mode & 0o777 == 0o600
        content = signing.verify_document(json.loads(path.with_suffix(".json").read_text()), archiving.KIND, owner)
        assert content == manifest["content"] and content["file"]["sha256"] == bytes(sha256).hex()
        assert (content["entries"], content["partition"], content["tenant"]["id"]) == (
            entries,
            name,
            str(world.acme.id),
        )
        assert event["targets"][0]["id"] == name
        assert (event["details"]["entries"], event["details"]["sha256"]) == (entries, bytes(sha256).hex())
        lines = [json.loads(line) for line in read(path, Archive(id, world.acme.id), owner)]
        assert [line["object"] for line in lines] == [f'line {number}\\ "é' for number in range(entries)]
        assert b"line 1" not in path.read_bytes()
    assert archive(world.acme)["months"] == [] and len(ledger(world.acme)) == 2


def test_no_line_is_torn_by_what_somebody_sent(world, owner, old_log, keep_log, archive, ledger, var):
    """User agents may hold what Python, but not JSON, takes for the end of a line."""
    partition, agent = old_log(world.acme, 7, lines=1), "x\x85{\u2028}\u2029\x0b\x1c"
    owner.execute(
        f"insert into {world.acme.schema}.access_entry (occurred_at, id, kind, method, route, object, status,"
        f" duration_us, ip, user_agent) select occurred_at + interval '1 second', gen_random_uuid(), kind, method, route,"
        f" object, status, duration_us, ip, %s from {world.acme.schema}.{partition}",
        [agent],
    )
    keep_log(world.acme, 90)
    archive(world.acme)
    (_, _, _, _, file, _, id) = ledger(world.acme)[0]
    path = shelf.folder_of(var, world.acme.id) / file
    lines = [json.loads(line) for line in read(path, Archive(id, world.acme.id), owner)]
    assert [line["user_agent"] for line in lines] == [None, agent]


def test_what_was_altered_is_refused(world, owner, old_log, keep_log, archive, ledger, var):
    old_log(world.acme, 7, lines=2500)
    keep_log(world.acme, 90)
    archive(world.acme)
    (_, _, _, _, file, manifest, id) = ledger(world.acme)[0]
    path = shelf.folder_of(var, world.acme.id) / file
    whole = path.read_bytes()
    for altered in (
        whole[:-1],
        whole + b"x",
        whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:],
        b"other",
        whole[:13],
    ):
        path.write_bytes(altered)
        with pytest.raises(Damaged):
            list(read(path, Archive(id, world.acme.id), owner))
    path.write_bytes(whole)
    with pytest.raises(Damaged):
        list(read(path, Archive(id, world.globex.id), owner))
    manifest["content"]["entries"] = 1
    with pytest.raises(NotGenuine):
        signing.verify_document(manifest, archiving.KIND, owner)


@pytest.mark.parametrize("edge", ["2026-03-31", "2026-04-01", "2026-04-02"])
def test_a_month_goes_when_all_of_it_is_old_enough(edge, monkeypatch):
    moment = datetime.fromisoformat(f"{edge}T12:00:00+00:00")
    monkeypatch.setattr(months, "now", lambda: moment + timedelta(days=90))
    stays = months.edge(90)
    gone = months.month_of("access_entry_202603") < stays.date()
    assert gone is (edge != "2026-03-31")
    assert months.after(date(2026, 12, 1)) == date(2027, 1, 1)


def test_a_hold_a_new_line_and_a_lock_keep_a_month(
    world, owner, owner_url, old_log, keep_log, archive, ledger, partitions_of, client_of, var
):
    name = old_log(world.acme, 5)
    keep_log(world.acme, 90)
    dana = client_of("dana")

    def meanwhile(act):
        return lambda step: act() if step == "recorded" else None

    def hold():
        assert dana.put("/api/v1/tenant/legal-hold", json={"on": True}).status_code == 200

    archive(world.acme, meanwhile(hold))
    assert name in partitions_of(world.acme) and ledger(world.acme) == []
    assert list(shelf.folder_of(var, world.acme.id).glob("*")) == []
    assert archive(world.acme)["months"] == []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        operations.place(connection)
    asked = "select count(*) from onyx.steward_request where arguments->>'tenant_id' = %s"
    assert owner.execute(asked, [str(world.acme.id)]).fetchone() == (0,)
    dana.put("/api/v1/tenant/legal-hold", json={"on": False})

    def line():
        owner.execute(
            f"insert into {world.acme.schema}.access_entry (occurred_at, id, kind, method, route, status, duration_us)"
            f" select occurred_at, gen_random_uuid(), kind, method, route, status, 1 from {world.acme.schema}.{name} limit 1"
        )

    archive(world.acme, meanwhile(line))
    assert name in partitions_of(world.acme) and ledger(world.acme) == [], "the file lacked a line"
    with psycopg.connect(owner_url, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s, %s)", lock_of(world.acme.id))
        with pytest.raises(Refused):
            archive(world.acme)
    assert archive(world.acme)["entries"] == 4


def test_killed_at_each_step_and_run_again(
    world, owner_url, owner, old_log, keep_log, archive, ledger, partitions_of, events, var, serving
):
    keep_log(world.acme, 90)
    for number, step in enumerate(STEPS):
        name, before = old_log(world.acme, 5 + number), len(ledger(world.acme))
        done = len(events(world.acme, "access_log.archived"))
        said = json.dumps({"owner_url": owner_url, "folder": str(var), "tenant": str(world.acme.id), "kill": step})
        process = subprocess.run(
            [sys.executable, "-m", "tests.retention.killed", said], env={**serving, **os.environ}, check=False
        )
        assert process.returncode == -signal.SIGKILL, f"{step} was not reached"
        gone = step in ("dropped", "settled")
        assert (name not in partitions_of(world.acme)) is gone, step
        assert len(events(world.acme, "access_log.archived")) - done == gone, step
        shown = [row for row in ledger(world.acme)[before:] if row[1] == "dropped"]
        assert (shown != []) is (step == "settled"), f"{step}: what is shown as archived is gone from the log"
        archive(world.acme)
        rows = ledger(world.acme)
        assert [(row[0], row[1], row[2]) for row in rows[before:]] == [(name, "dropped", 3)], step
        assert name not in partitions_of(world.acme) and len(events(world.acme, "access_log.archived")) == done + 1
        files = {path.name for path in shelf.folder_of(var, world.acme.id).glob("*")}
        names = {row[4] for row in rows}
        assert files == names | {file.replace(".onyxlog", ".json") for file in names}, step
        assert (
            len(
                list(
                    read(shelf.folder_of(var, world.acme.id) / rows[-1][4], Archive(rows[-1][6], world.acme.id), owner)
                )
            )
            == 3
        )


def test_empty_months_leave_no_file_and_late_lines_do_not_wait_for_ever(
    world, owner, old_log, keep_log, archive, ledger, partitions_of, events, app, tmp_path
):
    """A move or a restore makes empty months anew; and a spool may hold a line of a month that is gone."""
    name = old_log(world.acme, 5, lines=0)
    keep_log(world.acme, 90)
    assert archive(world.acme)["months"] == [name] and ledger(world.acme) == []
    assert [one["details"]["entries"] for one in events(world.acme, "access_log.archived")] == [0]
    with app.app_context():
        log = AccessLog(tmp_path)
        actor = Actor(world.acme.id, "", "", None, "", "", request=Request("r", "GET", "/late"))
        log.write(actor, "http", "late", 200, 0.001)
        log.write(actor, "http", "now", 200, 0.001)
        spool = next(tmp_path.glob("access-*.log"))
        lines = spool.read_text().splitlines()
        month = f"{name[-6:-2]}-{name[-2:]}-15"
        late = re.sub(r'(?<="occurred_at":")[\d-]{10}', month, lines[0])
        spool.write_text(f"{late}\n{lines[1]}\n")
        log.drain()
    assert list(tmp_path.glob("access-*.log")) == []
    found = owner.execute(f"select object from {world.acme.schema}.access_entry where route = '/late'").fetchall()
    assert found == [("now",)] and name not in partitions_of(world.acme)


def test_the_steward_is_asked_once_for_each_that_has_something(world, owner, owner_url, old_log, keep_log, allow, var):
    old_log(world.acme, 5)
    keep_log(world.acme, 90)
    keep_log(world.globex, 90)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        operations.place(connection)
        operations.place(connection)
    waiting = owner.execute(
        "select arguments->>'tenant_id', id from onyx.steward_request where operation = %s and state = 'queued'"
        " and arguments->>'tenant_id' = any (%s)",
        [operations.ARCHIVE, [str(world.acme.id), str(world.globex.id)]],
    ).fetchall()
    assert [row[0] for row in waiting] == [str(world.acme.id)]
    done = operations.Operations(var).table[operations.ARCHIVE](owner_url, tenant_id=str(world.acme.id))
    assert done["entries"] == 3
    owner.execute("delete from onyx.steward_request where id = %s", [waiting[0][1]])
    owner.execute("update onyx.tenant set settings = settings || '{\"retention_access_days\": \"x\"}' where id = %s",
                  [world.globex.id])  # fmt: skip
    with psycopg.connect(owner_url, autocommit=True) as connection:
        operations.place(connection)  # one whose settings are spoilt keeps no other


def test_auditors_see_prove_and_read_what_was_archived(
    world, old_log, keep_log, archive, ledger, client_of, events, var
):
    old_log(world.acme, 5)
    keep_log(world.acme, 90)
    dana, carol = client_of("dana"), client_of("carol")
    shown = dana.get("/api/v1/tenant/retention").get_json()["data"]["access_log"]["preview"]
    assert (len(shown["months"]), shown["entries"]) == (1, 3)
    archive(world.acme)
    found = carol.get("/api/v1/access-log/archives").get_json()["data"]
    assert [(one["month"], one["entries"]) for one in found] == [(shown["months"][0], 3)]
    path = f"/api/v1/access-log/archives/{found[0]['id']}"
    assert carol.get(f"{path}/manifest").get_json() == ledger(world.acme)[0][5]
    lines = carol.get(f"{path}/lines").text.splitlines()
    assert [json.loads(line)["object"] for line in lines] == [f'line {number}\\ "é' for number in range(3)]
    assert events(world.acme, "log_archive.read")[0]["details"]["archive"] == found[0]["id"]
    for name in ("dana", "alice", "greta"):
        assert client_of(name).get(f"{path}/lines").status_code in (403, 404)
    gone = shelf.folder_of(var, world.acme.id) / found[0]["name"]
    gone.write_bytes(gone.read_bytes()[:-1])
    assert carol.get(f"{path}/lines").status_code == 409


def test_nobody_but_the_owner_writes_the_list_of_archives(world, app, session_of):
    for purpose in ("admin", "auditor", "platform", "job:retention"):
        for verb in ("delete from log_archive", "update log_archive set state = 'dropped'", "delete from legal_hold"):
            scope = Scope(world.acme.id, purpose)
            with pytest.raises(DBAPIError), app.app_context(), control_plane(scope) as connection:
                connection.exec_driver_sql(verb)
