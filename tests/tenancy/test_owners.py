"""Every row of a person is somebody's, and every act in somebody else's house is told apart (F14, F24)."""

from __future__ import annotations

import psycopg
import pytest

from onyx.core.ids import uuid7

# Columns named user_id that tell who did something, in rows that nobody owns.
NOT_OWNERS = {"access_entry", "audit_event"}


def test_no_row_can_be_without_its_owner(owner, world):
    """F14: a row without an owner would be whoever's came first; no table that has owners takes one."""
    found = owner.execute(
        "select table_name, is_nullable from information_schema.columns where table_schema = %s and column_name = 'user_id'",
        [world.acme.schema],
    ).fetchall()
    assert len(found) > 10
    assert [table for table, nullable in found if nullable == "YES" and not table.startswith(tuple(NOT_OWNERS))] == []


@pytest.mark.parametrize("table", ["chat_session", "project"])
def test_an_unowned_row_is_refused_and_nobody_claims_one_by_reading(owner, client_of, world, table):
    """F14: not even the owner of all tables can leave one behind; reading somebody else's never makes it one's own."""
    named = "title" if table == "chat_session" else "name"
    with pytest.raises(psycopg.errors.NotNullViolation):
        owner.execute(f"insert into {world.acme.schema}.{table} (id, {named}) values (%s, 'nobody''s')", [uuid7()])
    path = "sessions" if table == "chat_session" else "projects"
    alice, bob = client_of("alice"), client_of("bob")
    made = alice.post(f"/api/v1/{path}", json={named: "mine"}).get_json()["data"]["id"]
    assert bob.get(f"/api/v1/{path}/{made}").status_code == 404
    kept = owner.execute(f"select user_id from {world.acme.schema}.{table} where id = %s", [made]).fetchone()
    assert kept == (world.alice.id,)


def test_a_visitor_from_the_platform_is_told_apart_in_the_trail(client_of, owner, world):
    """F24: there is no impersonation. Who comes from the platform stands in the tenant's trail as who they are, with
    where they come from; no header and no body makes a request somebody else's.
    """
    alice, petra = client_of("alice"), client_of("petra")
    session = alice.signed_in["session_id"]
    gone = petra.delete(f"/api/v1/platform/live-sessions/{session}")
    assert gone.status_code == 200, gone.text
    told = owner.execute(
        f"select actor->>'type', actor->>'display', actor_id from {world.acme.schema}.audit_event"
        " where action = 'session.revoked' and targets->0->>'id' = %s", [session],
    ).fetchone()  # fmt: skip
    assert told == ("platform", world.petra.email, world.petra.id)
    bob = client_of("bob")
    as_alice = bob.get(
        "/api/v1/users/me", headers={"X-User-ID": str(world.alice.id), "X-On-Behalf-Of": str(world.alice.id)}
    )
    assert as_alice.status_code == 403
    assert petra.get(f"/api/v1/users/{world.alice.id}").status_code == 404, "and no rights of its people"
