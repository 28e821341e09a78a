"""The boot check names what fell, and serves when everything stands."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from onyx.tenancy import boot_check, policies, stock
from tests.tenancy.several import remove_prepared

T = "{globex}"
BROKEN = {
    "row level security": (f"alter table {T}.profile disable row level security", f"alter table {T}.profile enable row level security",
                           "row level security is off on"),
    "a policy": (f"drop policy chat_message_own on {T}.chat_message",
                 f"create policy chat_message_own on {T}.chat_message for select using (user_id = (select onyx.ctx_user('{{globex_hex}}', 'member')))",
                 "chat_message.chat_message_own is missing"),
    "one policy more": (f"create policy hole on {T}.chat_message using (true)", f"drop policy hole on {T}.chat_message", "hole is unknown"),
    "a policy that asks nobody": (f"alter policy profile_own on {T}.profile using (true)",
                                  f"alter policy profile_own on {T}.profile using (user_id = (select onyx.ctx_user('{{globex_hex}}', 'member')))",
                                  "does not ask the context"),
    "a policy that lets anything in": (f"alter policy profile_create on {T}.profile with check (true)",
                                       f"alter policy profile_create on {T}.profile with check ((select onyx.ctx_allows('{{globex_hex}}', 'admin', 'job:provision')))",
                                       "does not ask the context"),
    "a table's owner": (f"alter table {T}.profile owner to postgres", f"alter table {T}.profile owner to onyx_owner", "do not belong to onyx_owner"),
    "the judge": ("alter function onyx.ctx() set search_path = pg_catalog, onyx", "alter function onyx.ctx() set search_path = pg_catalog, onyx, pg_temp",
                  "onyx.ctx is not the one"),
    "the key": ("update onyx.context_key set ipad = opad, opad = ipad", "update onyx.context_key set ipad = opad, opad = ipad", "contexts are not judged"),
    "the key's secrecy": ("grant select on onyx.context_key to onyx_app", "revoke select on onyx.context_key from onyx_app", "onyx_app may read"),
    "a wrapped key": ("grant select (wrapped) on onyx.signing_key to onyx_app", "revoke select (wrapped) on onyx.signing_key from onyx_app",
                      "onyx_app may read .*wrapped"),
    "temporary objects": ("grant temporary on database onyx to public", "revoke temporary on database onyx from public", "temporary objects"),
    "the append-only trail": (f"alter table {T}.audit_event disable trigger append_only", f"alter table {T}.audit_event enable trigger append_only", "are disabled"),
    "a setting": ("alter role onyx_app set row_security = off", "alter role onyx_app reset all", "settings were stored"),
    "a flag": ("alter role onyx_app bypassrls", "alter role onyx_app nobypassrls", "may do too much"),
    "a log-in": (f"alter role {T} login", f"alter role {T} nologin", "may do too much"),
    "a membership": ("grant onyx_owner to onyx_app", "revoke onyx_owner from onyx_app", "memberships"),
    "a schema": ("grant create on schema onyx to onyx_app", "revoke create on schema onyx from onyx_app", "may create in"),
}  # fmt: skip


@pytest.fixture
def superuser(addresses):
    with psycopg.connect(
        make_conninfo(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx"), autocommit=True
    ) as connection:
        yield connection


@pytest.mark.parametrize("what", BROKEN)
def test_it_names_what_fell(app, world, superuser, monkeypatch, what):
    monkeypatch.setattr(policies, "_SAMPLE", 10_000)
    break_it, mend_it, named = (
        one.format(globex=world.globex.schema, globex_hex=world.globex.id.hex) for one in BROKEN[what]
    )
    superuser.execute(break_it.encode())
    try:
        with app.app_context(), pytest.raises(boot_check.WallsFell, match=named):
            boot_check.require_walls()
    finally:
        superuser.execute(mend_it.encode())
    with app.app_context():
        boot_check.require_walls()


def test_it_waits_for_no_table(app, world, owner_url, monkeypatch):
    """A restore holds a tenant's tables for as long as it takes: whoever starts meanwhile serves."""
    monkeypatch.setattr(policies, "_SAMPLE", 10_000)

    def look():
        with app.app_context():
            return boot_check.look()[0]

    with ThreadPoolExecutor(1) as pool, psycopg.connect(owner_url) as restore:
        restore.execute(f"lock table {world.acme.schema}.profile in access exclusive mode")
        assert pool.submit(look).result(60) == []


def test_what_is_prepared_ahead_is_looked_at_too(app, owner_url, owner):
    """One of an older version is judged by what it was made with, and a wall of it that fell is named."""
    remove_prepared(owner)  # what a steward of another test had prepared
    assert stock.fill(owner_url, 1) == 0
    ((id,),) = owner.execute("select tenant_id from onyx.prepared_tenant").fetchall()
    try:
        with app.app_context():
            assert boot_check.look()[0] == []
            owner.execute(f"drop policy project_member_leave on tenant_{id.hex}.project_member")
            assert any(
                f"tenant_{id.hex}" in fell and "project_member_leave is missing" in fell
                for fell in boot_check.look()[0]
            )
            owner.execute(
                f"drop table tenant_{id.hex}.project_member cascade; drop table tenant_{id.hex}.file_handover"
            )
            owner.execute(
                "update onyx.prepared_tenant set versions = array(select v from unnest(versions) v where v < 33)"
            )
            assert boot_check.look()[0] == []
    finally:
        owner.execute(
            f"drop schema tenant_{id.hex} cascade; drop role tenant_{id.hex}; delete from onyx.prepared_tenant"
        )


def test_belts_are_on(app):
    with app.app_context():
        assert boot_check.look() == ([], [])


def test_it_is_quick(app, owner):
    """A look at every tenant costs no more than reading all policies once, as the catalogue tells them.

    They take turns, so that a busy machine hits both; absolute times belong to `python -m bench tenants`.
    """
    reading = "select max(length(pg_get_expr(polqual, polrelid))) from pg_policy"
    with app.app_context():
        pairs = [(_seconds(boot_check.look), _seconds(lambda: owner.execute(reading).fetchall())) for _ in range(7)]
    looks, readings = (min(times) for times in zip(*pairs, strict=True))
    assert looks < 0.1 + 1.5 * readings


def _seconds(look):
    began = time.perf_counter()
    look()
    return time.perf_counter() - began
