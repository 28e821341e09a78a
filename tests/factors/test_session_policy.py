"""An organisation's session policy holds whatever somebody signed in with (S3)."""

from __future__ import annotations

import pytest

from tests.factors.conftest import later_code

SETTINGS = "/api/v1/settings/sessions"


@pytest.fixture
def limits(owner, world, client_of):
    """Ten minutes idle, one session at a time; reads a session's idle time and state."""
    sent = {"session_idle_seconds": 600, "session_max_concurrent": 1}
    assert client_of("dana").patch(SETTINGS, json=sent).status_code == 200
    query = f"select idle_seconds, state from {world.acme.schema}.login_session where user_id = %s order by created_at"
    return lambda: owner.execute(query, [world.alice.id]).fetchall()


def test_a_second_step_obeys_it(codes_of, first_step, second_step, limits):
    generator, _ = codes_of("alice")
    asked = first_step("alice")
    assert second_step(asked["challenge"], code=later_code(generator)).status_code == 200
    *older, last = limits()
    assert last == (600, "active") and {state for _, state in older} == {"revoked"}


def test_a_passkey_alone_obeys_it(app, passkey_of, limits):
    device = passkey_of("alice")
    asked = app.test_client().post("/api/v1/auth/passkey/options").get_json()["data"]["passkey"]
    sent = {"passkey": device.sign(asked, verified=True)}
    assert app.test_client().post("/api/v1/auth/passkey", json=sent).status_code == 200
    *older, last = limits()
    assert last == (600, "active") and {state for _, state in older} == {"revoked"}
