"""What knowing who asks costs, and what ending everybody costs, counted; times belong to `python -m bench identity`."""

from __future__ import annotations

import threading

import psycopg
import redis
from sqlalchemy import event

from bench.session_rows import fill
from onyx.core.db import db

CHECK = "/api/v1/auth/check"


def test_a_request_with_a_valid_session_is_one_round_trip_to_redis_and_none_to_postgresql(app, client_of):
    alice = client_of("alice")
    for _ in range(2):
        assert alice.get(CHECK).status_code == 204
    counted = _least(app, lambda: alice.get(CHECK))
    assert (counted["trips"], counted["checkouts"]) == (1, 0)
    counted = _least(app, lambda: alice.get("/api/v1/auth/sessions"))
    assert counted["trips"] == 1, "the handler's own statements come after it"


def test_a_sign_in_asks_each_thing_once(app, sign_in):
    """Who it is (twice: where, and there), what the organisation decided, the session, and the list of live ones."""
    sign_in("alice")
    counted = _least(app, lambda: sign_in("alice"))
    assert counted["checkouts"] <= 5


def test_ending_everybody_costs_as_many_statements_for_a_thousand_as_for_ten(app, client_of, world, addresses):
    """One statement, one event, one notice; what Redis has to forget goes in batches of a thousand."""
    costs = []
    for count in (10, 1000):
        with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
            fill(database, world.acme.id, count, round=str(count))
        dana = client_of("dana")
        dana.get(CHECK)
        costs.append(_count(app, lambda dana=dana: _end_all(dana, count)))  # noqa: B023
    few, many = costs
    # A connection that had to be made anew on a busy machine says a few words more; a word for each session would show.
    assert many["checkouts"] <= few["checkouts"] + 3 and many["trips"] <= few["trips"] + 10, costs


def _end_all(client, at_least: int) -> None:
    ended = client.post("/api/v1/live-sessions/revoke", json={"all": True}).get_json()["data"]["ended"]
    assert ended >= at_least


def _least(app, work) -> dict[str, int]:
    """The cheapest of a few: a connection that another thread has in its hands at that moment is made anew."""
    return min((_count(app, work) for _ in range(5)), key=lambda counted: (counted["trips"], counted["checkouts"]))


def _count(app, work) -> dict[str, int]:
    """What this thread sends to Redis, and how often it takes a connection to PostgreSQL."""
    me, seen = threading.get_ident(), {"trips": 0, "checkouts": 0}
    send = redis.Connection.send_packed_command

    def sent(self, *what, **more):
        seen["trips"] += threading.get_ident() == me
        return send(self, *what, **more)

    def taken(*_what):
        seen["checkouts"] += threading.get_ident() == me

    with app.app_context():
        engines = list(db.engines.values())
    redis.Connection.send_packed_command = sent
    for engine in engines:
        event.listen(engine, "checkout", taken)
    try:
        work()
    finally:
        redis.Connection.send_packed_command = send
        for engine in engines:
            event.remove(engine, "checkout", taken)
    return seen
