"""What a process keeps does not grow with the number of tenants that it has served (T11)."""

from __future__ import annotations

import os

import pytest

from onyx.chat import turns
from onyx.core import db as database
from onyx.core.db import db, rows, unit_of_work
from onyx.core.scope import tenant_scope
from onyx.core.wire import MOST_PREPARED, Fixed
from onyx.monitoring import board
from onyx.tenancy import migrate
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
    from onyx.core import wire

    monkeypatch.setattr(wire, "MOST_PREPARED", 20)
    assert MOST_PREPARED > 20
    for _ in range(3):
        for house in houses:
            _visit(house, *_STATEMENTS)
            with db.engine.connect() as connection:
                kept = connection.connection.dbapi_connection._kept
                assert len(kept) < 20 + len(_STATEMENTS) + 2, "one transaction more at most, then all go"


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
    from onyx.core import pool

    monkeypatch.setattr(pool, "TENANTS_BEFORE_ANOTHER", 2)
    bare = attack.one_connection(addresses["DATABASE_URL"], size=3)
    with bare.app_context():
        first = {house: _visit(house) for house in houses}
        assert len(set(first.values())) == 3, "two tenants each, and one more that is opened in time"
        for house in [*reversed(houses), *houses]:
            assert _visit(house) == first[house]
        # Two at once: the second waits for nobody, but takes another.
        with tenant_scope(houses[0], "job:provision"), unit_of_work() as session:
            rows(session, _COUNT)
            assert _visit(houses[0]) != first[houses[0]]
        db.engine.dispose()
