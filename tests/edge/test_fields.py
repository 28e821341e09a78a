"""A body changes what its form names and nothing else, whatever it brings along (G5; OWASP API3: object properties)."""

from __future__ import annotations

import pytest

SMUGGLED = {"id": "00000000-0000-7000-8000-000000000000", "email": "mine@evil.example", "roles": ["admin"], "role": "admin", "status": "suspended",
            "tenant_id": "00000000-0000-7000-8000-000000000000", "user_id": "00000000-0000-7000-8000-000000000000", "permissions": ["audit:read"],
            "is_admin": True, "created_at": "2000-01-01T00:00:00Z", "password_hash": "x", "must_enrol": False}  # fmt: skip


@pytest.fixture
def world(fresh_world):
    return fresh_world


def _rows(owner, world):
    """Everything about Alice that stands in PostgreSQL, her name aside."""
    schema = world.acme.schema
    return [
        owner.execute(f"select {columns} from {schema}.{table} where {key} = %s", [world.alice.id]).fetchall()
        for table, columns, key in (
            ("app_user", "id, email, status, created_at", "id"),
            ("user_role", "role, granted_by", "user_id"),
            ("credential", "password_hash", "user_id"),
        )
    ]


def test_a_body_changes_only_what_its_form_names(client_of, owner, world):
    alice, before = client_of("alice"), _rows(owner, world)
    answer = alice.patch("/api/v1/users/me", json={**SMUGGLED, "display_name": "Alice the Other"})
    assert answer.status_code == 200 and answer.get_json()["data"]["display_name"] == "Alice the Other"
    assert _rows(owner, world) == before
    made = alice.post("/api/v1/sessions", json={**SMUGGLED, "title": "mine"}).get_json()["data"]
    kept = owner.execute(f"select user_id from {world.acme.schema}.chat_session where id = %s", [made["id"]]).fetchone()
    assert kept == (world.alice.id,)
    assert alice.patch(f"/api/v1/sessions/{made['id']}", json={**SMUGGLED, "title": "still mine"}).status_code == 200
    assert alice.get(f"/api/v1/sessions/{made['id']}").status_code == 200


def test_an_administrators_form_for_people_changes_no_roles_and_no_passwords(client_of, owner, world):
    """Each has a door of its own, with its own permission."""
    before = _rows(owner, world)
    sent = {**SMUGGLED, "display_name": "Alice Again", "email": world.alice.email}
    assert client_of("dana").patch(f"/api/v1/users/{world.alice.id}", json=sent).status_code == 200
    assert _rows(owner, world) == before
