"""An organisation that requires a second factor: who has none sets one up and does nothing else before (I6)."""

from __future__ import annotations

import pytest
import socketio.exceptions

from tests.factors.conftest import FACTORS, code_in
from tests.waiting import promptly

POLICY = "/api/v1/sign-in-policy"


@pytest.fixture
def require(client_of, codes_of):
    """Turn the policy on, as Dana, who has a factor."""
    dana = client_of("dana")
    codes_of("dana", dana)
    answer = dana.patch(POLICY, json={"require_factor": True})
    assert answer.status_code == 200, answer.text
    return dana


def test_who_asks_for_it_must_have_one(client_of, world, actions):
    dana = client_of("dana")
    assert dana.patch(POLICY, json={"require_factor": True}).status_code == 409
    assert dana.get(POLICY).get_json()["data"] == {"require_factor": False}
    assert actions(world.acme, "sign_in_policy.changed") == 0
    for name in ("alice", "carol"):
        assert client_of(name).patch(POLICY, json={"require_factor": True}).status_code == 403
    for wrong in ({}, {"require_factor": "perhaps"}, {"require_factor": None}):
        assert dana.patch(POLICY, json=wrong).status_code == 422


def test_nothing_else_until_there_is_one(app, world, client_of, codes_of, require, actions):
    """Generated from the URL map: of all that Alice may do, her factors and signing out are left."""
    alice = client_of("alice")
    refused = 0
    for rule in app.url_map.iter_rules():
        known = app.view_functions[rule.endpoint].__dict__.get("onyx_rule")
        if known is None or known.permission is None or known.permission == "own:sign_in":
            continue
        path = rule.rule
        while "<" in path:
            path = path[: path.index("<")] + str(world.alice.id) + path[path.index(">") + 1 :]
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = alice.open(path, method=method, json={} if method != "GET" else None)
            assert answer.status_code == 403, f"{method} {rule.rule}"
            assert path.startswith("/scim/") or code_in(answer) == "factor_required", f"{method} {rule.rule}"
            refused += 1
    assert refused > 60
    assert actions(world.acme, "access.denied") == 0
    page = alice.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 302 and page.headers["Location"] == "/settings/factor"
    assert alice.get("/settings/factor").status_code == 200

    codes_of("alice", alice)
    assert alice.get("/api/v1/users/me").status_code == 200
    assert alice.get("/api/v1/sessions").status_code == 200


def test_it_holds_for_sessions_that_are_open_already_on_every_process(server, client_of, sign_in, codes_of, socket_of):
    serving = server(processes=2)
    dana, bob = sign_in("dana")["token"], sign_in("bob")["token"]
    socket = socket_of("bob", serving, token=bob)
    with serving.http(dana) as client:
        client.post(f"{FACTORS}/totp")
    codes_of("dana")
    with serving.http(bob) as bobs, serving.http(dana) as danas:
        assert bobs.get("/api/v1/users/me").status_code == 200
        assert danas.patch(POLICY, json={"require_factor": True}).status_code == 200
        with promptly(2):
            assert socket.wait_for("session:revoked") == {"reason": "factor_required"}
            assert {bobs.get("/api/v1/users/me").status_code for _ in range(12)} == {403}
        with pytest.raises(socketio.exceptions.ConnectionError):
            socket_of("bob", serving, token=bob)
        assert bobs.post("/api/v1/auth/logout").status_code == 200
        assert danas.patch(POLICY, json={"require_factor": False}).status_code == 200
    again = sign_in("bob")["token"]
    with serving.http(again) as bobs:
        assert bobs.get("/api/v1/users/me").status_code == 200


def test_the_last_factor_stays_while_one_is_required(require, world):
    dana = require
    assert dana.delete(f"{FACTORS}/totp").status_code == 409
    assert dana.get(FACTORS).get_json()["data"]["totp"] is not None


def test_other_organisations_are_not_asked(require, client_of):
    assert client_of("mallory").get("/api/v1/users/me").status_code == 200


def test_only_administrators_change_it_with_sql(app, owner, world):
    from onyx.core.scope import Scope
    from onyx.tenancy.walls import control_plane

    with app.app_context():
        for purpose in ("member", "auth", "auditor", "platform", "job:mail"):
            with control_plane(Scope(world.acme.id, purpose, world.dana.id)) as connection:
                connection.exec_driver_sql("select require_factor(true)")
    settings = owner.execute("select settings from onyx.tenant where id = %s", [world.acme.id]).fetchone()
    assert settings[0].get("require_mfa") is not True
