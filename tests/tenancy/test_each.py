"""Small work of many tenants in one round trip: each in its own transaction, under its own role; one stops no other."""

from __future__ import annotations

import os

import pytest

from onyx.core.db import db, rows, unit_of_work
from onyx.core.each import MOST, in_each
from onyx.core.scope import tenant_scope
from onyx.core.wire import Fixed
from onyx.tenancy import migrate
from onyx.tenancy.context import schema_of
from tests.tenancy import attack

_WHO = Fixed(
    "select 1 where current_user = %s and current_schema() = %s and onyx.ctx_allows(%s, 'job:access_log')"
    " and current_setting('role') = current_user"
)
_COUNTED = Fixed("insert into usage_day (user_id, day, metric, used) values (%s, '2026-11-01', 'api_calls', 1)")
_UNRECORDED = Fixed("insert into app_user (id, email, email_digest) values (%s, 'x@x.example', sha256('x'))")
_NOBODY = "01890000-0000-7000-8000-000000000000"
_ROLE = Fixed("select current_user::text as name, current_setting('onyx.context', true) as context")


@pytest.fixture(scope="module")
def houses(app, owner_url):
    return [migrate.provision(owner_url, f"row-{os.urandom(4).hex()}", "Row") for _ in range(4)]


@pytest.fixture
def one_backend(addresses):
    with attack.one_connection(addresses["DATABASE_URL"]).app_context():
        yield
        db.engine.dispose()


def _trips(monkeypatch) -> list[int]:
    """How many transactions went in each round trip from now on."""
    from onyx.core.wire import Wire

    seen: list[int] = []
    commit_all = Wire.commit_all
    monkeypatch.setattr(Wire, "commit_all", lambda wire: seen.append(len(wire._waiting)) or commit_all(wire))
    return seen


def _names(house):
    return (schema_of(house), schema_of(house), house.hex)


def test_each_runs_under_its_own_role_path_and_context(one_backend, houses):
    for _ in range(2):  # once prepared
        assert in_each("job:access_log", {house: [(_WHO, _names(house))] for house in houses}) == dict.fromkeys(
            houses, 1
        )
    neighbours = {house: [(_WHO, _names(other))] for house, other in zip(houses, houses[1:] + houses[:1], strict=True)}
    assert in_each("job:access_log", neighbours) == dict.fromkeys(houses, 0)


def test_nothing_is_left_on_the_connection(one_backend, houses):
    in_each("job:access_log", {house: [(_WHO, _names(house))] for house in houses})
    with db.engine.connect() as connection:
        left = connection.connection.dbapi_connection.pgconn.exec_(
            b"select current_user, current_setting('search_path'), coalesce(current_setting('onyx.context', true), '')"
        )
        assert [left.get_value(0, column) for column in range(3)] == [b"onyx_app", b"", b""]


def test_those_whom_a_connection_knows_share_round_trips(one_backend, houses, monkeypatch):
    work = {house: [(_WHO, _names(house))] for house in houses}
    in_each("job:access_log", work)
    seen = _trips(monkeypatch)
    assert len(in_each("job:access_log", work)) == len(houses)
    assert seen == [len(houses)] and len(houses) <= MOST
    monkeypatch.setattr("onyx.core.wire.Wire.may_prepare", False)  # as behind a transaction pooler
    assert in_each("job:access_log", work) == dict.fromkeys(houses, 1)


@pytest.mark.parametrize("wrong", [(_COUNTED, (None,)), (Fixed("select 1 / 0 where %s = 'x'"), ("x",))])
def test_who_is_stopped_stops_no_other(one_backend, houses, wrong):
    right = {house: [(_WHO, _names(house))] for house in houses}
    for place in range(len(houses)):
        work = {**right, houses[place]: [(_WHO, _names(houses[place])), wrong]}
        assert in_each("job:access_log", work).keys() == set(houses) - {houses[place]}
    assert in_each("job:access_log", right).keys() == set(houses)


def test_a_commit_that_is_refused_stops_no_other(one_backend, houses, owner):
    """A change without an event is refused at COMMIT, when the transaction's statements have all succeeded."""
    work = {house: [(Fixed("select 1 as one"), ())] for house in houses}
    work[houses[1]] = [(_UNRECORDED, (_NOBODY,))]
    assert in_each("job:provision", work).keys() == set(houses) - {houses[1]}
    assert owner.execute(f"select count(*) from {schema_of(houses[1])}.app_user").fetchone() == (0,)


def test_the_work_of_one_tenant_is_committed_whole_or_not_at_all(one_backend, houses, owner):
    counted = f"select count(*) from {schema_of(houses[0])}.usage_day where day = '2026-11-01'"
    assert in_each("job:access_log", {houses[0]: [(_COUNTED, (_NOBODY,)), (_COUNTED, (None,))]}) == {}
    assert owner.execute(counted).fetchone() == (0,)


def test_a_transaction_without_a_context_is_refused(one_backend, houses):
    with tenant_scope(houses[0], "job:access_log"), unit_of_work() as session:
        rows(session, _ROLE)
        wire = session.connection().connection.dbapi_connection
        with pytest.raises(Exception, match="told first"):
            wire.commit_each([(_ROLE, ())])
