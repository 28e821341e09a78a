"""Live sessions when there are many: filters by their own indexes, bounded counts, ending what is selected or found (S4, X8).

2,500 sessions stand for 100,000 here: what must not grow with them is compared as a ratio. Times belong to
`python -m bench identity`.
"""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from bench.session_rows import fill
from onyx.sessions import live_filter
from tests.tenants.conftest import held  # noqa: F401 - fixture
from tests.waiting import soon_below

MANY = 2_500


@pytest.fixture(scope="module")
def crowd(world, addresses):
    """2,500 people more, signed in at Acme."""
    import psycopg

    with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
        fill(database, world.acme.id, MANY)
    return world


def _rows(client, query):
    answer = client.get(f"/api/v1/live-sessions?limit=200&{query}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()["data"]


def test_each_filter_finds_its_own_and_nothing_else(client_of, crowd):
    dana = client_of("dana")
    assert {row["ip"].rsplit(".", 1)[0] for row in _rows(dana, "ip=203.0.9.0/24")} == {"203.0.9"}
    one = _rows(dana, "ip=10.1.101.101")
    assert {row["ip"] for row in one} == {"10.1.101.101"}
    assert {row["device"] for row in _rows(dana, "device=iphone")} == {"Safari on iPhone"}
    assert [row["email"] for row in _rows(dana, "q=person2222")] == ["person2222@bench.example"]
    assert [row["display_name"] for row in _rows(dana, "q=number+2222")] == ["Person Number 2222 Half"]
    assert _rows(dana, "q=erson2222") == [], "words are found by their beginning"
    old = _rows(dana, "older_than=600")
    assert len(old) == 200 and not {row["id"] for row in old} & {row["id"] for row in _rows(dana, "younger_than=60")}
    both = _rows(dana, "device=Linux&ip=203.0.0.0/16")
    assert both and all(row["device"] == "Firefox on Linux" and row["ip"].startswith("203.0.") for row in both)
    assert dana.get("/api/v1/live-sessions?ip=nonsense").status_code == 422


@pytest.mark.parametrize("query", ["", "ip=10.0.0.0/8", "device=Windows", "q=person", "q=person1", "ip=203.0.9.0/24"])
def test_pages_of_a_filter_meet_without_gap_or_double(client_of, crowd, query, monkeypatch):
    """Whichever way they are found: the few by their index, the many by time."""
    dana, seen, after = client_of("dana"), [], ""
    while after is not None:
        page = dana.get(f"/api/v1/live-sessions?limit=200&after={after}&{query}").get_json()
        seen += [row["id"] for row in page["data"]]
        after = page["next"]
    counted = dana.get(f"/api/v1/live-sessions/count?{query}").get_json()["data"]
    assert len(seen) == len(set(seen)) == counted["count"] and counted["more"] is False
    monkeypatch.setattr(live_filter, "FEW", 5)
    other_way = dana.get(f"/api/v1/live-sessions?limit=200&{query}").get_json()["data"]
    assert [row["id"] for row in other_way] == seen[: len(other_way)]


def test_counting_stops(client_of, crowd, monkeypatch):
    from onyx.sessions import console_queries

    monkeypatch.setattr(console_queries, "COUNTED", 100)
    assert client_of("dana").get("/api/v1/live-sessions/count").get_json()["data"] == {"count": 100, "more": True}


def test_a_page_costs_about_as_much_as_a_page_of_few(client_of, crowd):
    """Greta's organisation has three sessions, Acme 2,500: reading all of them would show."""
    few, many = client_of("greta"), client_of("dana")
    last = many.get("/api/v1/live-sessions?limit=50&older_than=600").get_json()["next"]
    for path in ("limit=50", f"limit=50&after={last}", "limit=50&q=person2222", "limit=50&ip=203.0.9.9"):

        def ratio(path=path):
            return statistics.median(_seconds(many, path) / _seconds(few, "limit=50&q=nobody") for _ in range(7))

        assert soon_below(8, ratio), path


def test_the_selected_are_ended_with_a_result_for_each(client_of, world):
    dana, alice, bob, mallory = (client_of(name) for name in ("dana", "alice", "bob", "mallory"))
    ids = [one.signed_in["session_id"] for one in (alice, bob, mallory)]
    answer = dana.post("/api/v1/live-sessions/revoke", json={"ids": [*ids, ids[0]]}).get_json()["data"]
    assert answer["ended"] == 2
    assert [line["ok"] for line in answer["results"]] == [True, True, False]
    assert answer["results"][2]["error"]["code"] == "not_found", "a foreign session is like one that never was"
    assert [one.get("/api/v1/users/me").status_code for one in (alice, bob, mallory, dana)] == [401, 401, 200, 200]
    assert dana.get(f"/api/v1/revocations/{answer['revocations'][0]}").status_code == 200


def test_all_that_a_filter_finds_are_ended_when_the_name_is_typed(client_of, world, owner):
    dana, lee, cleo = client_of("dana"), client_of("lee"), client_of("cleo")
    body = {"matching": {"q": "Lee Limited"}}
    assert dana.post("/api/v1/live-sessions/revoke", json=body).status_code == 422
    wrong = dana.post("/api/v1/live-sessions/revoke", json={**body, "confirm": "globex"})
    assert wrong.status_code == 422 and "confirm" in wrong.get_json()["error"]["fields"]
    assert lee.get("/api/v1/users/me").status_code == 200
    done = dana.post("/api/v1/live-sessions/revoke", json={**body, "confirm": world.acme.slug})
    assert done.status_code == 200, done.text
    assert done.get_json()["data"]["ended"] >= 1
    assert [one.get("/api/v1/users/me").status_code for one in (lee, cleo, dana)] == [401, 200, 200]
    event = owner.execute(
        f"select details from {world.acme.schema}.audit_event where action = 'session.revoked'"
        " and details ? 'found_by' order by recorded_at desc, event_id desc limit 1"
    ).fetchone()[0]
    assert event["found_by"] == ["text"] and "Lee" not in str(event)


def test_a_filter_of_blanks_finds_nobody_rather_than_everybody(client_of, world):
    petra, alice = client_of("petra"), client_of("alice")
    for blank in ({"q": "  "}, {"ip": " "}, {"device": "\t"}, {"q": " ", "ip": " "}):
        everywhere = {"matching": blank, "confirm": "platform"}
        assert petra.post("/api/v1/platform/live-sessions/revoke", json=everywhere).status_code == 422
        here = {"matching": blank, "confirm": world.acme.slug}
        assert client_of("dana").post("/api/v1/live-sessions/revoke", json=here).status_code == 422
    assert alice.get("/api/v1/users/me").status_code == 200


def test_ending_unseen_sessions_needs_a_fresh_confirmation(client_of, world, owner):
    dana = client_of("dana")
    with owner.transaction():
        owner.execute(f"set local search_path = {world.acme.schema}")
        owner.execute("alter table login_session disable trigger user")
        owner.execute(
            "update login_session set created_at = now() - interval '20 minutes' where id = %s",
            [dana.signed_in["session_id"]],
        )
        owner.execute("alter table login_session enable trigger user")
    body = {"matching": {"ip": "9.9.9.9"}, "confirm": world.acme.slug}
    for sent in (body, {"all": True, "confirm": world.acme.slug}):
        answer = dana.post("/api/v1/live-sessions/revoke", json=sent)
        assert answer.get_json()["error"]["code"] == "step_up_required", answer.text


def test_the_platform_finds_ends_and_is_told_of_each_organisation(client_of, world, owner):
    petra, alice, mallory = client_of("petra"), client_of("alice"), client_of("mallory")
    found = petra.get(f"/api/v1/platform/live-sessions?q={world.mallory.email}").get_json()["data"]
    assert {row["email"] for row in found} == {world.mallory.email}
    places = petra.get(f"/api/v1/platform/live-sessions?limit=200&q={world.globex.slug}").get_json()["data"]
    assert {row["tenant"]["slug"] for row in places} == {world.globex.slug}
    ids = [one.signed_in["session_id"] for one in (alice, mallory)]
    done = petra.post("/api/v1/platform/live-sessions/revoke", json={"ids": ids}).get_json()["data"]
    assert done["ended"] == 2 and len(done["revocations"]) == 2, "each organisation has its own receipt"
    assert [one.get("/api/v1/users/me").status_code for one in (alice, mallory)] == [401, 401]
    greta = client_of("greta")
    body = {"matching": {"q": world.globex.slug}, "confirm": "platform"}
    done = petra.post("/api/v1/platform/live-sessions/revoke", json=body).get_json()["data"]
    assert [line["slug"] for line in done["tenants"]] == [world.globex.slug] and done["next"] is None
    assert greta.get("/api/v1/users/me").status_code == 401
    left = owner.execute("select count(*) from onyx.live_session where tenant_id = %s", [world.globex.id]).fetchone()
    assert left == (0,), "what ended is off the list"


def test_the_platform_visits_with_no_connection_of_its_own_in_hand(client_of, world, held):  # noqa: F811
    petra, alice, mallory = client_of("petra"), client_of("alice"), client_of("mallory")
    revoke = "/api/v1/platform/live-sessions/revoke"
    everything = {"tenant_id": str(world.globex.id), "all": True}
    for body in (everything, {"matching": {"q": world.alice.email}, "confirm": "platform"}):
        assert petra.post(revoke, json=body).get_json()["data"]["ended"] >= 1
    bob = client_of("bob").signed_in["session_id"]
    assert petra.post(revoke, json={"ids": [bob]}).get_json()["data"]["ended"] == 1
    lee = client_of("lee").signed_in["session_id"]
    assert petra.delete(f"/api/v1/platform/live-sessions/{lee}").get_json()["data"]["ended"] == 1
    assert [one.get("/api/v1/users/me").status_code for one in (alice, mallory)] == [401, 401]
    assert {(main, control) for name, main, control in held if name == "main"} == {(0, 0)}


def test_the_platforms_list_holds_everybody_and_believes_nobody(client_of, world, owner):
    """A line whose session is over is left out and tidied away; one whose session lives is never missing."""
    petra, bob = client_of("petra"), client_of("bob")
    id = bob.signed_in["session_id"]
    line = owner.execute("select user_id, address, device from onyx.live_session where id = %s", [id]).fetchone()
    assert line[0] == world.bob.id
    ghost = "01a1fee4-d19d-7e82-9af6-9fcc261aeb14"
    owner.execute(
        "insert into onyx.live_session (tenant_id, id, user_id, created_at, expires_at) values"
        " (%s, %s, %s, now() - interval '5 minutes', now() + interval '1 hour') on conflict do nothing",
        [world.acme.id, ghost, world.bob.id],
    )
    shown = petra.get(f"/api/v1/platform/live-sessions?ids={ghost},{id}").get_json()["data"]
    assert [row["id"] for row in shown] == [id]
    assert owner.execute("select count(*) from onyx.live_session where id = %s", [ghost]).fetchone() == (0,)
    bob.post("/api/v1/auth/logout")
    assert owner.execute("select count(*) from onyx.live_session where id = %s", [id]).fetchone() == (0,)


def test_a_page_over_all_organisations_visits_only_those_on_it(app, client_of, world):
    """Not one statement for each tenant: as many for a page of ten when there are a hundred more tenants' lines."""
    petra = client_of("petra")
    client_of("alice"), client_of("mallory")
    alone = _statements(app, lambda: petra.get("/api/v1/platform/live-sessions?limit=2"))
    assert alone <= 40, "two lines, at most two visits"


def _statements(app, work) -> int:
    from sqlalchemy import event

    from onyx.core.db import db

    seen: list[str] = []
    me = threading.get_ident()  # the control bus has threads of its own
    with app.app_context():
        engines = list(db.engines.values())

    def heard(_connection, _cursor, statement, *_more):
        if threading.get_ident() == me:
            seen.append(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", heard)
    try:
        work()
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", heard)
    return len(seen)


def _seconds(client, query) -> float:
    began = time.perf_counter()
    assert client.get(f"/api/v1/live-sessions?{query}").status_code == 200
    return time.perf_counter() - began
