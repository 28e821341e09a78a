"""What a process keeps does not grow with the number of tenants that it has served (T11)."""

from __future__ import annotations

import os
import threading
import time

import pytest

from onyx.chat import turns
from onyx.core import db as database
from onyx.core import pool
from onyx.core.actor import Actor, Request
from onyx.core.db import db, rows, unit_of_work
from onyx.core.scope import tenant_scope
from onyx.core.wire import MOST_PREPARED, Fixed
from onyx.edge.access_log import AccessLog
from onyx.monitoring import board
from onyx.tenancy import migrate
from onyx.tenancy.context import schema_of
from tests.tenancy import attack

_COUNT = Fixed("select count(*) as many from app_user")
_STATEMENTS = tuple(Fixed(f"select {number} as number from profile limit 1") for number in range(8))


@pytest.fixture(scope="module")
def houses(app, owner_url):
    return [migrate.provision(owner_url, f"house-{os.urandom(4).hex()}", "House") for _ in range(5)]


@pytest.fixture
def one_backend(addresses):
    """An application with a single connection, so that it is known which backend answers."""
    bare = attack.one_connection(addresses["DATABASE_URL"])
    with bare.app_context():
        yield
        db.engine.dispose()


def _visit(tenant, *statements) -> int:
    """Run statements for a tenant; the backend's process id."""
    with tenant_scope(tenant, "job:provision"), unit_of_work() as session:
        for statement in statements or (_COUNT,):
            rows(session, statement)
        return session.connection().connection.dbapi_connection.pgconn.backend_pid


def test_a_connection_is_let_go_when_it_has_touched_too_many(one_backend, houses, monkeypatch):
    monkeypatch.setattr(database, "TENANTS_PER_CONNECTION", 2)
    first = [_visit(house) for house in houses[:3]]
    assert len(set(first)) == 1, "it is kept until it has touched one more than two"
    assert _visit(houses[3]) != first[0]
    again = [_visit(house) for house in (houses[3], houses[4], houses[3], houses[4])]
    assert len(set(again)) == 1, "the same few tenants again wear nothing out"


def test_statements_prepared_for_many_tenants_are_bounded(one_backend, houses, monkeypatch):

    monkeypatch.setattr("onyx.core.wire.MOST_PREPARED", 20)
    assert MOST_PREPARED > 20
    _visit(houses[0])  # on a connection that was just opened nothing is prepared yet
    for _ in range(3):
        for house in houses:
            _visit(house, *_STATEMENTS)
            with db.engine.connect() as connection:
                wire = connection.connection.dbapi_connection
                assert len(wire._kept) <= 20, "what was used longest ago goes at the end of the transaction"
                assert {(schema_of(house).encode(), one) for one in _STATEMENTS} <= wire._kept.keys(), (
                    "nothing else goes"
                )
                assert _prepared_on(wire) == set(wire._kept.values()), "what goes, goes from the server too"


def _prepared_on(wire) -> set[bytes]:
    wire.pgconn.exec_(b"begin")
    found = wire.pgconn.exec_(b"select name from pg_prepared_statements where name like 'fixed%'")
    wire.pgconn.exec_(b"rollback")
    return {found.get_value(row, 0) for row in range(found.ntuples)}


def test_the_access_log_leaves_what_requests_have_prepared(one_backend, houses, tmp_path):
    """Or every drain would have the next requests of all tenants of that connection planned anew."""
    for house in houses:
        _visit(house)
        _visit(house)
    with db.engine.connect() as connection:
        before = dict(connection.connection.dbapi_connection._kept)
    log = AccessLog(tmp_path)
    for house in houses:
        log.write(Actor(house, "", "", None, "", "", request=Request(id="r")), "http", "x", 200, 0.001)
    assert before and log.drain() == len(houses)
    with db.engine.connect() as connection:
        assert before.items() <= connection.connection.dbapi_connection._kept.items()


def test_what_is_remembered_of_tenants_is_bounded(app, houses, monkeypatch):
    monkeypatch.setattr(turns, "MOST_MARKED", 3)
    monkeypatch.setattr(board, "MOST_COUNTED", 3)
    monkeypatch.setattr(turns, "_marked", {})
    monkeypatch.setattr(board, "_live_sessions", {})

    class Somebody:
        tenant_id = None

    with app.app_context():
        for house in houses * 2:
            Somebody.tenant_id = house
            with tenant_scope(house, "member"):
                turns._expect_replies(Somebody)
            board._signed_in(house)
            assert len(turns._marked) <= 3 and len(board._live_sessions) <= 3


def test_a_tenant_gets_the_connection_that_knows_it(app, addresses, houses, monkeypatch):
    """Tenants stay with their connections, so that a backend does not learn everybody's tables anew."""
    monkeypatch.setattr(pool, "TENANTS_BEFORE_ANOTHER", 2)
    monkeypatch.setattr(pool, "PATIENCE", 30)
    bare = attack.one_connection(addresses["DATABASE_URL"], size=3)
    with bare.app_context():
        first = {house: _visit(house) for house in houses}
        assert len(set(first.values())) == 3, "two tenants each, and one more that is opened in time"
        for house in [*reversed(houses), *houses]:
            assert _visit(house) == first[house]
        # Two at once: the second waits for nobody, but takes another.
        began = time.monotonic()
        with tenant_scope(houses[0], "job:provision"), unit_of_work() as session:
            rows(session, _COUNT)
            assert _visit(houses[0]) != first[houses[0]]
        assert time.monotonic() - began < 30, "nobody waits for a connection that they hold themselves"
        db.engine.dispose()


def test_who_comes_in_between_waits_a_moment_for_the_connection_that_knows_them(app, addresses, houses, monkeypatch):
    bare = attack.one_connection(addresses["DATABASE_URL"], size=2)
    monkeypatch.setattr(pool, "TENANTS_BEFORE_ANOTHER", 1)
    with bare.app_context():
        first = _visit(houses[0])
        assert _visit(houses[1]) != first
        monkeypatch.setattr(pool, "PATIENCE", 30)
        assert _while_held(bare, houses[0], 0.3) == first, "they did not wait"
        monkeypatch.setattr(pool, "PATIENCE", 0.01)
        assert _while_held(bare, houses[0], 60) != first, "they waited for too long"
        db.engine.dispose()


def _while_held(bare, house, seconds) -> int:
    """Which backend answers a tenant while another thread holds the one that knows them, for so long at most."""
    held, answered = threading.Event(), threading.Event()

    def hold():
        with bare.app_context(), tenant_scope(house, "job:provision"), unit_of_work() as session:
            rows(session, _COUNT)
            held.set()
            answered.wait(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    found = _visit(house)
    answered.set()
    holder.join()
    return found
