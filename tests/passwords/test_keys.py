"""What becomes of API keys when a password is reset, or changed (I5, I8)."""

from __future__ import annotations

import re

from tests.cast import PASSWORD

RESET, CHANGE, KEYS = "/api/v1/auth/password/reset", "/api/v1/auth/password", "/api/v1/api-keys"
NEW = "seven quiet lighthouses at dusk"


def _key(app, client):
    made = client.post(KEYS, json={"name": "script", "permissions": ["chat:use"]})
    assert made.status_code == 201, made.text
    program = app.test_client()
    program.token = made.get_json()["data"]["key"]
    assert program.get("/api/v1/users/me").status_code == 200
    return program


def _refusal(program):
    answer = program.get("/api/v1/users/me")
    return answer.status_code, answer.get_json().get("error", {}).get("reason")


def _revoked(owner, tenant):
    asked = f"select reason from {tenant.schema}.audit_event where action = 'api_key.revoked' order by recorded_at, event_id"
    return [row[0] for row in owner.execute(asked).fetchall()]


def test_a_reset_by_link_revokes_the_persons_keys_and_nobody_elses(app, world, client_of, link_of, owner):
    """Whoever took the account over may have made some: they must not outlive the recovery."""
    keys = [_key(app, client_of("alice")) for _ in range(2)]
    others, token = _key(app, client_of("bob")), link_of("alice")
    answer = app.test_client().post(RESET, json={"token": token, "new": NEW})
    assert answer.get_json()["data"] == {"changed": True, "api_keys_revoked": 2}
    assert [_refusal(key) for key in keys] == [(401, "key_revoked")] * 2
    assert others.get("/api/v1/users/me").status_code == 200
    assert _revoked(owner, world.acme) == ["password_reset"] * 2
    assert "revokes your API keys" not in app.test_client().get("/login?reason=password_set").text
    assert "API keys were revoked" in app.test_client().get("/login?reason=password_set_keys").text


def test_an_administrators_new_password_revokes_them_too(app, world, client_of, owner):
    key = _key(app, client_of("alice"))
    answer = client_of("dana").post(f"/api/v1/users/{world.alice.id}/reset-password")
    assert answer.get_json()["data"]["api_keys_revoked"] == 1
    assert _refusal(key) == (401, "key_revoked") and _revoked(owner, world.acme) == ["password_reset"]


def test_who_changes_their_password_decides_it(app, world, client_of, owner):
    alice = client_of("alice")
    key = _key(app, alice)
    sent = {"current": PASSWORD, "new": NEW}
    assert alice.post(CHANGE, json=sent).get_json()["data"]["api_keys_revoked"] == 0
    assert key.get("/api/v1/users/me").status_code == 200
    sent = {"current": NEW, "new": f"{NEW} again", "revoke_keys": True}
    assert alice.post(CHANGE, json=sent).get_json()["data"]["api_keys_revoked"] == 1
    assert _refusal(key) == (401, "key_revoked") and _revoked(owner, world.acme) == ["password_changed"]


def test_the_mail_and_the_page_say_so_before(app, world, mailbox, posted, send_mail):
    assert (
        app.test_client().post("/api/v1/auth/password/reset-request", json={"email": world.alice.email}).status_code
        == 200
    )
    assert posted(world.acme) == ["waiting"]
    send_mail()
    (letter,) = [one for one in mailbox.letters if one["To"] == world.alice.email]
    assert "revokes your API keys" in re.sub(r"\s+", " ", letter.get_content())
    assert "API keys are revoked" in app.test_client().get("/reset").text
