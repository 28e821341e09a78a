"""Live sessions by the words of a person's e-mail and name: few have one, or everybody, and the list is the same (S4).

1,000 sessions stand for 100,000; times belong to `python -m bench identity`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.session_rows import fill
from onyx.sessions import console_queries, live_filter
from tests.waiting import until

MANY = 1_000
NAMES = {
    3: "Zoë Ångström-Öz", 4: "O'Neil  Smith_Jones", 5: "100% Person%", 6: "x" * 40, 7: "x" * 32 + "y", 8: "İstanbul ẞ",
    9: "Tenth-of-all", 10: "\tnumber\u00a0  Number\\", 11: "漢字 かな", 12: "…",
}  # fmt: skip


@pytest.fixture(scope="module")
def crowd(world, addresses):
    """1,000 people more, signed in at Acme, some with names that are not so plain; their rows, newest first."""
    with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
        fill(database, world.acme.id, MANY)
        database.execute(f"set search_path = {world.acme.schema}".encode())
        with database.transaction():
            database.execute("alter table profile disable trigger recorded")
            for number, name in NAMES.items():
                person = f"md5('person' || {number})::uuid"
                database.execute(f"update profile set display_name = %s where user_id = {person}".encode(), [name])
            database.execute("alter table profile enable trigger recorded")
    return world


@pytest.fixture
def everybody(crowd, owner):
    """Reads all live sessions, newest first: id, e-mail, name, device, address, age."""
    statement = (
        "select s.id::text, u.email, p.display_name, s.device, s.ip, extract(epoch from now() - s.created_at)::float8"
        f" from {crowd.acme.schema}.login_session s join {crowd.acme.schema}.app_user u on u.id = s.user_id"
        f" join {crowd.acme.schema}.profile p on p.user_id = u.id where s.state = 'active' order by s.created_at desc, s.id desc"
    )
    return lambda: owner.execute(statement).fetchall()


def _words(text: str) -> list[str]:
    return re.sub(r"[\W_]+", " ", text.lower()).split()


def _naive(everybody: list[Any], q: str, **more: Any) -> list[str]:
    """The ids that a filter should find, by looking at every row."""
    typed = [word[:32] for word in _words(q)]
    return [
        id
        for id, email, name, device, ip, age in everybody
        if typed and all(any(word.startswith(part) for word in _words(f"{email} {name}")) for part in typed)
        if more.get("device", "") in device
        and (ip or "").startswith(more.get("ip", ""))
        and age > more.get("older_than", 0)
    ]


def _pages(client: Any, size: int, **asked: Any) -> list[str]:
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        answer = client.get("/api/v1/live-sessions", query_string={"limit": size, "after": after, **asked})
        assert answer.status_code == 200, answer.text
        page = answer.get_json()
        seen += [row["id"] for row in page["data"]]
        after = page["next"]
    return seen


@pytest.fixture(params=["as it is", "everybody is many", "few are many", "sampled whole"])
def way(request, monkeypatch):
    """Whichever way they are found: by people, by looking at each, after a sample of none or of all."""
    if request.param == "everybody is many":
        monkeypatch.setattr(console_queries, "OFTEN", 0)
    if request.param == "few are many":
        monkeypatch.setattr(console_queries, "FEW", 20)
        monkeypatch.setattr(live_filter, "FEW", 20)
    if request.param == "sampled whole":
        monkeypatch.setattr(console_queries, "SAMPLE", 100)


CASES: tuple[dict[str, Any], ...] = (
    {"q": "person"}, {"q": "p"}, {"q": "person1"}, {"q": "person777"}, {"q": "half"}, {"q": "hundredth"}, {"q": "nobody"},
    {"q": "number tenth"}, {"q": "tenth person92"}, {"q": "n t h p b 2"}, {"q": "per person pers"}, {"q": "erson"},
    {"q": "zoë"}, {"q": "ÅNG öz"}, {"q": "o neil smith jones"}, {"q": "o'neil-smith_j"}, {"q": "%"}, {"q": "_"}, {"q": "100%"},
    {"q": "x" * 40}, {"q": "x" * 32}, {"q": "x" * 31}, {"q": "…"}, {"q": "漢"}, {"q": "number\\"}, {"q": "bench.example"},
    {"q": "half", "device": "Safari"}, {"q": "person", "ip": "203.0."}, {"q": "tenth", "ip": "192.168."},
    {"q": "example", "device": "Linux", "ip": "10.1."},
)  # fmt: skip


def test_each_word_finds_whom_reading_everybody_would_find(client_of, everybody, way):
    dana = client_of("dana")
    rows = everybody()
    for asked in CASES:
        expected = _naive(rows, **asked)
        assert _pages(dana, 200, **asked) == expected, asked
        counted = dana.get("/api/v1/live-sessions/count", query_string=asked).get_json()["data"]
        assert counted == {"count": len(expected), "more": False}, asked
    assert {len(_naive(rows, **asked)) > 500 for asked in CASES} == {True, False}


def test_whatever_is_typed_and_however_many_count_as_few(client_of, everybody):
    dana, rows = client_of("dana"), everybody()
    parts = ("person", "pers", "number", "half", "tenth", "hund", "1", "92", "923", "bench", "exa", "zo", "é", "-")

    @settings(max_examples=30)
    @given(
        words=st.lists(st.sampled_from(parts), min_size=1, max_size=4),
        few=st.sampled_from([0, 5, 300, 2000]),
        often=st.sampled_from([0, 10, 10**6]),
        device=st.sampled_from(["", "Safari", "Linux"]),
    )
    def is_found(words: list[str], few: int, often: int, device: str) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(console_queries, "FEW", few)
            patched.setattr(live_filter, "FEW", few)
            patched.setattr(console_queries, "OFTEN", often)
            found = _pages(dana, 200, q=" ".join(words), device=device)
        assert found == _naive(rows, " ".join(words), device=device)

    is_found()


def test_a_word_and_an_age_are_asked_together(client_of, everybody):
    """Time passes between the pages: whoever was old enough before is found, nobody who is not so afterwards."""
    dana = client_of("dana")
    for asked in ({"q": "bench tenth", "older_than": 265}, {"q": "half", "device": "Linux", "older_than": 200}):
        before = _naive(everybody(), **asked)
        found = _pages(dana, 40, **asked)
        after = _naive(everybody(), **asked)
        assert before and set(before) <= set(found) <= set(after) and len(found) == len(set(found))
        assert found == [id for id in after if id in set(found)]


def test_a_word_of_everybody_is_found_without_reading_everybody(session_of, crowd, addresses, world, monkeypatch):
    """The page ends when it is full; where the word begins late, each session is looked at once."""
    read, cast = _read_for(session_of, addresses, world, monkeypatch), 80  # some of whom have signed in since
    assert 51 <= read("person") <= 51 + cast
    assert MANY / 2 < read("half") <= MANY / 2 + 51 + cast
    assert read("nobodyhere") == 0


def _read_for(session_of: Any, addresses: Any, world: Any, monkeypatch: Any) -> Any:
    """How many sessions PostgreSQL reads for the first page of a word, where more than 100 people are many."""
    sent: list[tuple[str, tuple[Any, ...]]] = []
    rows = console_queries.rows

    def told(session: Any, statement: str, *values: Any) -> Any:
        sent.append((statement, values))
        return rows(session, statement, *values)

    monkeypatch.setattr(console_queries, "rows", told)
    monkeypatch.setattr(console_queries, "FEW", 100)

    def read(word: str) -> int:
        sent.clear()
        wanted = live_filter.Filter(text=word)
        with session_of("dana", "admin") as session:
            console_queries.live_sessions(session, _actor(world), wanted, 50, None)
        statement, values = sent[-1]
        with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
            database.execute(f"set search_path = {world.acme.schema}".encode())
            plan = database.execute(
                f"explain (analyze, timing off, format json) {statement}".encode(), values
            ).fetchone()
        assert plan is not None
        return _touched(_nodes(plan[0][0]["Plan"]), "login_session")

    return read


def _actor(world: Any) -> Any:
    from onyx.core.actor import Actor

    return Actor(world.acme.id, world.acme.slug, world.acme.name, world.dana.id, "", "")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    yield from itertools.chain.from_iterable(map(_nodes, plan.get("Plans", [])))


def _touched(nodes: Iterable[dict[str, Any]], table: str) -> int:
    """Rows of a table that were looked at, the thrown away ones too."""
    of = [node for node in nodes if node.get("Relation Name") == table]
    return sum(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in of)


def test_people_are_looked_up_by_one_key_for_a_word(crowd, addresses, world):
    """However many words begin with it: the index holds beginnings, and PostgreSQL follows it though all may fit."""
    with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
        database.execute(f"set search_path = {world.acme.schema}".encode())
        for table, column in (("app_user", "email"), ("profile", "display_name")):
            database.execute(f"analyze {table}".encode())
            lookup = f"select from {table} where onyx.beginnings_of({column}) @> onyx.words_typed('person') limit 21"
            plan = str(database.execute(f"explain {lookup}".encode()).fetchall())
            assert f"Bitmap Index Scan on {table}_beginnings" in plan, plan


def test_a_new_name_or_address_is_found_at_once_and_the_old_one_no_more(client_of, world, owner):
    dana, lee = client_of("dana"), client_of("lee")
    path = f"/api/v1/users/{world.lee.id}"
    for changed in ({"display_name": "Grace Murray Hopper"}, {"email": "quokka@acme.example"}):
        assert dana.patch(path, json=changed).status_code == 200
    for word, there in (("murray", True), ("quokka", True), (world.lee.name.split()[0], False)):
        found = dana.get("/api/v1/live-sessions", query_string={"q": word}).get_json()["data"]
        assert (lee.signed_in["session_id"] in {row["id"] for row in found}) is there, word


_WAIT_FOR_US = "select 1 from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))"


def test_a_name_that_changes_while_somebody_signs_in_is_found(client_of, world, owner):
    """The sign-in waits for the change, and reads the name after it."""
    profile = f"{world.acme.schema}.profile"
    owner.execute(f"alter table {profile} disable trigger recorded")
    with ThreadPoolExecutor(1) as pool:
        with owner.transaction():
            owner.execute(f"update {profile} set display_name = 'Hypatia' where user_id = %s", [world.cleo.id])
            signing_in = pool.submit(client_of, "cleo")
            until(lambda: owner.execute(_WAIT_FOR_US).fetchone())
            assert not signing_in.done()
        signed_in = signing_in.result(120).signed_in
    owner.execute(f"alter table {profile} enable trigger recorded")
    words = f"select words from {world.acme.schema}.login_session where id = %s"
    assert " hypatia " in owner.execute(words, [signed_in["session_id"]]).fetchone()[0]


def test_a_session_that_has_ended_keeps_no_name(client_of, world, owner):
    bob = client_of("bob")
    words = f"select words from {world.acme.schema}.login_session where id = %s"
    assert owner.execute(words, [bob.signed_in["session_id"]]).fetchone() != (None,)
    assert bob.post("/api/v1/auth/logout").status_code == 200
    assert owner.execute(words, [bob.signed_in["session_id"]]).fetchone() == (None,)
