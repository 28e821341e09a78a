"""A statement that nobody waits for goes with the next one, at the latest with COMMIT; what it breaks says whose it is."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from onyx.core.db import only_rows, rows, rows_later, unit_of_work
from onyx.core.scope import tenant_scope
from onyx.core.wire import Fixed

_SEEN = Fixed("update profile set last_login_at = '2002-02-02' where user_id = %s returning current_user::text as role")
_TWICE = Fixed("with seen as (update profile set last_login_at = '2003-03-03' where user_id = %s) select 1 / (%s - 1)")
_WHEN = Fixed("select last_login_at::text as at from profile where user_id = %s")
_PROJECT = Fixed("insert into project (user_id, id, name) values (%s, %s, 'x')")
_NOW = Fixed("select now()")


@pytest.fixture
def as_bob(world, app):
    with app.app_context(), tenant_scope(world.acme.id, "auth", world.bob.id):
        yield world.bob.id


def _at(bob):
    with unit_of_work() as session:
        return rows(session, _WHEN, bob)[0].at


def test_it_goes_with_the_commit_in_one_round_trip(world, as_bob, trips):
    with unit_of_work() as session:
        later = rows_later(session, _SEEN, as_bob)
        assert not later.rows and trips == []
    assert trips == ["_send"] and later.rows[0].role == world.acme.schema
    assert _at(as_bob).startswith("2002-02-02")


@pytest.mark.parametrize("after", ["fixed", "alone", "other"])
def test_it_precedes_whatever_is_run_after_it(as_bob, after):
    with unit_of_work() as session:
        later = rows_later(session, _SEEN, as_bob)
        if after == "other":
            at = session.execute(text(str(_WHEN) % ":bob"), {"bob": as_bob}).scalar_one()
        else:
            at = (rows if after == "fixed" else only_rows)(session, _WHEN, as_bob)[0].at
        assert at.startswith("2002-02-02") and later.rows
        assert session.connection().connection.dbapi_connection.pgconn.transaction_status == TransactionStatus.INTRANS


def test_what_it_breaks_takes_everything_with_it_and_says_whose_it_is(world, as_bob):
    before = _at(as_bob)
    with pytest.raises(DBAPIError) as raised, unit_of_work() as session:
        rows_later(session, _SEEN, as_bob)
        rows_later(session, _TWICE, as_bob, 1)
    assert raised.value.orig.statement == _TWICE
    with pytest.raises(IntegrityError) as raised, tenant_scope(world.acme.id, "member", as_bob):
        with unit_of_work() as session:
            for _ in range(2):
                rows_later(session, _PROJECT, as_bob, UUID(int=7))
            rows_later(session, _NOW)
    assert raised.value.orig.statement == _PROJECT
    assert _at(as_bob) == before, "and the connection serves whoever comes next"


def test_what_was_given_up_is_not_sent_with_what_comes_next(as_bob):
    before = _at(as_bob)
    with pytest.raises(KeyError), unit_of_work() as session:
        rows_later(session, _SEEN, as_bob)
        raise KeyError
    assert _at(as_bob) == before
