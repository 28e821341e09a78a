"""A statement that is a transaction by itself: one round trip, its own context, and nothing of it left behind."""

from __future__ import annotations

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy.exc import DBAPIError

from onyx.core.db import only_rows, rows
from onyx.core.wire import Fixed

_WHO = Fixed(
    "select current_user::text as role, current_setting('search_path') as path, onyx.ctx_tenant()::text as tenant"
)
_LEFT = Fixed("select current_user::text as role, coalesce(current_setting('onyx.context', true), '') as context")
_NAME = Fixed("update profile set last_login_at = now() where user_id = %s returning last_login_at::text as at")
_WRONG = Fixed("with made as (update profile set last_login_at = '2001-01-01' where user_id = %s) select 1 / (%s - 1)")


def test_it_runs_as_the_tenant_in_one_round_trip(session_of, world, trips):
    with session_of("alice", "auth") as session:
        found = only_rows(session, _WHO)[0]
    assert (found.role, found.path, found.tenant) == (world.acme.schema, world.acme.schema, str(world.acme.id))
    assert trips == ["_send"]


def test_nothing_of_it_is_left_on_the_connection(session_of, world):
    with session_of("alice", "auth") as session:
        only_rows(session, _WHO)
        wire = session.connection().connection.dbapi_connection
        assert wire.pgconn.transaction_status == TransactionStatus.IDLE
        wire._opening, told = None, wire._opening  # as somebody would find it who told nothing
        assert [tuple(row) for row in wire.run_alone(_LEFT, ())] == [("onyx_app", "")]
        wire._opening = told


def test_what_comes_after_it_begins_anew_with_the_same_context(session_of, world):
    with session_of("alice", "auth") as session:
        only_rows(session, _WHO)
        assert rows(session, _WHO)[0].tenant == str(world.acme.id)
        wire = session.connection().connection.dbapi_connection
        assert wire.pgconn.transaction_status == TransactionStatus.INTRANS
        assert only_rows(session, _WHO)[0].role == world.acme.schema, "within it, a statement like others"
        assert wire.pgconn.transaction_status == TransactionStatus.INTRANS


def test_it_is_committed_with_its_answer_or_not_at_all(session_of, world, owner):
    seen = f"select last_login_at from {world.acme.schema}.profile where user_id = %s"
    before = owner.execute(seen, [world.bob.id]).fetchone()
    with session_of("bob", "auth") as session:
        with pytest.raises(DBAPIError):
            only_rows(session, _WRONG, world.bob.id, 1)
        assert owner.execute(seen, [world.bob.id]).fetchone() == before
        only_rows(session, _NAME, world.bob.id)
        assert owner.execute(seen, [world.bob.id]).fetchone() != before, "committed while the unit of work is open"
