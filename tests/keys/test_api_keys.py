"""API keys: what a program may do for a person, until when, and how at once it ends (I8; F16)."""

from __future__ import annotations

import threading
import time

import pytest
import requests
import socketio

from onyx.access.policy import NEVER_BY_KEY, POLICY, Permission, Role
from onyx.edge import last_seen
from tests.keys.conftest import status
from tests.waiting import PATIENT, promptly


def test_a_key_acts_for_its_person_within_its_scope_only(key_of, by_key, world):
    key = key_of("dana", "users:read")["key"]
    assert key.startswith("onyx_") and key.count("_") == 2
    assert by_key(key, "GET", "/api/v1/users/me").get_json()["data"]["email"] == world.dana.email
    assert status(by_key, key, "/api/v1/users") == 200
    assert status(by_key, key) == 403
    assert by_key(key, "POST", f"/api/v1/users/{world.bob.id}/suspend").status_code == 403


def test_a_key_is_shown_once_and_only_its_digest_is_kept(key_of, client_of, owner, world):
    made = key_of("alice")
    listed = client_of("alice").get("/api/v1/api-keys").get_json()["data"]
    assert [row["id"] for row in listed] == [made["id"]] and "key" not in listed[0] and "digest" not in listed[0]
    secret = made["key"].split("_")[2]
    for table in ("api_key", "api_key_secret", "audit_event"):
        text = owner.execute(f"select string_agg(t::text, ' ') from {world.acme.schema}.{table} t").fetchone()[0]
        assert text and secret not in text and made["key"] not in text


def test_nobody_puts_into_a_key_what_they_lack(client_of):
    for name, scope in (
        ("alice", "users:read"),
        ("dana", "audit:read"),
        ("dana", "own:account"),
        ("dana", "keys:manage"),
        ("alice", "nonsense"),
    ):
        answer = client_of(name).post("/api/v1/api-keys", json={"name": "x", "permissions": [scope]})
        assert answer.status_code == 422, (name, scope)


def test_limited_people_have_no_keys(client_of, owner, world):
    answer = client_of("lee").post("/api/v1/api-keys", json={"name": "x", "permissions": ["chat:use"]})
    assert answer.status_code == 403
    told = owner.execute(
        f"select outcome, reason from {world.acme.schema}.audit_event where action = 'access.denied'"
    ).fetchall()
    assert ("denied", "keys:create") in told


def test_no_key_reaches_passwords_sessions_or_keys(app, key_of, by_key, owner, world):
    """Whatever its person may do: with every scope there is, each such door answers 403."""
    scopes = sorted(POLICY[Role.ADMIN] - NEVER_BY_KEY)
    made = key_of("dana", *scopes)
    every = [permission.value for permission in Permission]  # even when the row says more than could be asked for
    owner.execute(f"update {world.acme.schema}.api_key set permissions = %s where id = %s", [every, made["id"]])
    key = made["key"]
    asked = 0
    for rule in app.url_map.iter_rules():
        guard = app.view_functions[rule.endpoint].__dict__.get("onyx_rule")
        if guard and guard.permission in NEVER_BY_KEY:
            path = rule.rule.replace("<session_id>", str(app.extensions["onyx"].platform)).replace(
                "<key_id>", str(app.extensions["onyx"].platform)
            )
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert by_key(key, method, path, json={}).status_code == 403, (method, path)
                asked += 1
    assert asked >= 8
    assert {Permission.OWN_ACCOUNT, Permission.KEYS_CREATE} <= NEVER_BY_KEY


def test_a_key_made_by_an_admin_gives_nobody_more_than_the_key_may(key_of, by_key, world):
    """Else a key for managing people would be a way to all that its person may do."""
    key = key_of("dana", "users:manage", "users:read", "roles:grant")["key"]
    made = by_key(key, "POST", "/api/v1/users", json={"email": "n@acme.example", "roles": ["admin"]})
    assert made.status_code == 403
    assert by_key(key, "POST", f"/api/v1/users/{world.alice.id}/reset-password").status_code == 403


def test_a_changed_role_narrows_the_key_at_once(key_of, by_key, client_of, world):
    client_of("dana").put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["admin"]})
    key = key_of("bob", "users:read", "chat:use")["key"]
    assert status(by_key, key, "/api/v1/users") == 200
    client_of("dana").put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["user"]})
    assert status(by_key, key, "/api/v1/users") == 403
    assert status(by_key, key) == 200


def test_f16_a_suspended_persons_key_is_dead_at_once(key_of, by_key, client_of, world):
    key = key_of("bob")["key"]
    assert status(by_key, key) == 200
    client_of("dana").post(f"/api/v1/users/{world.bob.id}/suspend")
    assert status(by_key, key) == 401
    time.sleep(5.2)  # longer than the mark that has the person read anew
    assert status(by_key, key) == 401
    client_of("dana").post(f"/api/v1/users/{world.bob.id}/reactivate")
    assert status(by_key, key) == 200
    client_of("dana").delete(f"/api/v1/users/{world.bob.id}")
    assert status(by_key, key) == 401


def test_f16_a_suspended_organisations_keys_are_dead_at_once(key_of, by_key, client_of, world):
    key = key_of("alice")["key"]
    assert status(by_key, key) == 200
    assert client_of("petra").post(f"/api/v1/tenants/{world.acme.id}/suspend").status_code == 200
    assert status(by_key, key) == 401
    client_of("petra").post(f"/api/v1/tenants/{world.acme.id}/resume")
    assert status(by_key, key) == 200


def test_a_revoked_key_is_dead_and_its_use_is_recorded(key_of, by_key, client_of, owner, world):
    alice = client_of("alice")
    made = key_of("alice")
    assert status(by_key, made["key"]) == 200
    assert alice.delete(f"/api/v1/api-keys/{made['id']}").status_code == 200
    for _ in range(3):
        answer = by_key(made["key"], "GET", "/api/v1/sessions")
        assert answer.status_code == 401 and answer.get_json()["error"]["reason"] == "key_revoked"
    assert alice.delete(f"/api/v1/api-keys/{made['id']}").status_code == 404
    told = owner.execute(
        f"select action from {world.acme.schema}.audit_event where action like 'api_key.%%' order by recorded_at, event_id"
    ).fetchall()
    assert [row[0] for row in told] == ["api_key.created", "api_key.revoked", "api_key.refused"]


def test_a_revoked_key_cannot_come_back_by_statement(key_of, client_of, owner, world):
    made = key_of("alice")
    client_of("alice").delete(f"/api/v1/api-keys/{made['id']}")
    with pytest.raises(Exception, match="revoked"):
        owner.execute(f"update {world.acme.schema}.api_key set revoked_at = null where id = %s", [made["id"]])


def test_when_it_was_last_used_is_shown(app, key_of, by_key, client_of):
    made = key_of("alice")
    assert made["last_used_at"] is None
    status(by_key, made["key"])
    with app.app_context():
        last_seen.flush()
    shown = client_of("alice").get("/api/v1/api-keys").get_json()["data"][0]
    assert shown["last_used_at"] is not None


def test_admins_see_and_revoke_the_keys_of_their_organisation_alone(key_of, by_key, client_of, world):
    alices, mallorys = key_of("alice"), key_of("mallory")
    dana = client_of("dana")
    listed = dana.get("/api/v1/tenant/api-keys").get_json()
    assert [(row["id"], row["email"]) for row in listed["data"]] == [(alices["id"], world.alice.email)]
    assert dana.delete(f"/api/v1/tenant/api-keys/{mallorys['id']}").status_code == 404
    assert client_of("bob").delete(f"/api/v1/api-keys/{alices['id']}").status_code == 404
    assert client_of("alice").get("/api/v1/tenant/api-keys").status_code == 403
    assert dana.delete(f"/api/v1/tenant/api-keys/{alices['id']}").status_code == 200
    assert status(by_key, alices["key"]) == 401 and status(by_key, mallorys["key"]) == 200


def test_a_key_costs_one_round_trip_to_redis_and_no_sql(app, key_of, by_key):
    from sqlalchemy import event

    from onyx.core.db import db

    key = key_of("alice")["key"]
    path = "/api/v1/auth/check"
    assert status(by_key, key, path) == 204
    with app.app_context():
        engine = db.engine
    me, said, trips = threading.get_ident(), [], []  # the control bus has threads of its own
    store = app.extensions["onyx"].store
    send = store.run
    event.listen(engine, "before_cursor_execute", lambda *a: threading.get_ident() == me and said.append(a[2]))
    store.run = lambda *a: (threading.get_ident() == me and trips.append(a)) or send(*a)
    try:
        assert status(by_key, key, path) == 204
    finally:
        store.run = send
    assert len(trips) == 1 and [text for text in said if "api_key" in text or "app_user" in text] == []


def test_redis_away_and_flushed_keys_live_on_and_revoked_ones_stay_dead(app, key_of, by_key, client_of):
    live, dead = key_of("alice"), key_of("alice")
    for key in (live, dead):
        assert status(by_key, key["key"]) == 200
    client_of("alice").delete(f"/api/v1/api-keys/{dead['id']}")
    app.extensions["onyx"].store.client.flushdb()
    assert (status(by_key, live["key"]), status(by_key, dead["key"])) == (200, 401)
    app.extensions["onyx"].store.breaker.is_open = True
    try:
        assert (status(by_key, live["key"]), status(by_key, dead["key"])) == (200, 401)
    finally:
        app.extensions["onyx"].store.breaker.is_open = False


def test_revoking_closes_sockets_and_requests_on_both_processes_within_a_second(server, socket_of, key_of, client_of):
    made = key_of("alice")
    place = server(processes=2)
    sockets = [socket_of("alice", place, token=made["key"]) for _ in range(4)]
    assert sockets[0].ask("typing:start", {}).get("ok") is not None
    alice = client_of("alice")
    with promptly(1.5):
        assert alice.delete(f"/api/v1/api-keys/{made['id']}").status_code == 200
        for socket in sockets:
            assert socket.wait_for("session:revoked") == {"reason": "key_revoked"}
    for _ in range(6):
        assert (
            requests.get(
                f"{place.url}/api/v1/sessions", headers={"Authorization": f"Bearer {made['key']}"}, timeout=PATIENT
            ).status_code
            == 401
        )
    with pytest.raises(socketio.exceptions.ConnectionError):
        socket_of("alice", place, token=made["key"])


def test_a_socket_by_key_does_only_what_the_key_may(server, socket_of, key_of):
    socket = socket_of("dana", server(), token=key_of("dana", "users:read")["key"])
    answer = socket.ask("message:sent", {"content": "hello"})
    assert answer["ok"] is False and answer["error"]["code"] == "denied"


def test_the_pages_are_there(client_of):
    assert "New key" in client_of("alice").get("/settings/keys").text
    assert "not for your roles" in client_of("lee").get("/settings/keys").text
    assert client_of("dana").get("/admin/keys").status_code == 200
