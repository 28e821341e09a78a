"""Writes that another site began, and people who say that they are somebody else (G3, X3)."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from onyx.edge.csrf import csrf_token

HOME = "http://localhost"


def _writes(app):
    for rule in app.url_map.iter_rules():
        permission = app.view_functions[rule.endpoint].__dict__.get("onyx_rule")
        for method in rule.methods & {"POST", "PUT", "PATCH", "DELETE"}:
            if permission is not None and permission.permission is not None:
                yield method, re.sub(r"<[^>]+>", "00000000-0000-7000-8000-000000000000", rule.rule)


def test_every_write_by_cookie_needs_the_token(app, client_of):
    alice = client_of("alice", by="cookie", csrf=False)
    for method, path in _writes(app):
        answer = alice.open(path, method=method, json={})
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
    assert alice.get("/api/v1/users/me").status_code == 200, "nothing signed her out"


def test_the_token_of_another_session_does_not_do(client_of):
    alice, other = client_of("alice", by="cookie"), client_of("alice", by="cookie")
    alice.csrf = other.csrf
    assert alice.post("/api/v1/auth/logout").status_code == 403
    alice.csrf = csrf_token(UUID(alice.signed_in["session_id"]))[:-1]
    assert alice.post("/api/v1/auth/logout").status_code == 403
    alice.csrf = "ä"
    assert alice.post("/api/v1/auth/logout").status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost:81", "https://localhost"],
)
def test_another_origin_does_not_do(client_of, origin):
    alice = client_of("alice", by="cookie")
    assert alice.post("/api/v1/auth/logout", headers={"Origin": origin}).status_code == 403
    login = client_of(None).post(
        "/api/v1/auth/login", json={"email": "a@b.c", "password": "x"}, headers={"Origin": origin}
    )
    assert login.status_code == 403
    assert alice.post("/api/v1/auth/logout", headers={"Origin": HOME}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_that_says_so_is_believed(client_of, site):
    assert (
        client_of("alice", by="cookie").post("/api/v1/auth/logout", headers={"Sec-Fetch-Site": site}).status_code == 403
    )


def test_nobody_becomes_somebody_after_a_refused_write(app, client_of):
    """Whoever asks twice in one request must not find the actor of a write that was refused."""
    from flask import g

    from onyx.core.errors import Denied
    from onyx.edge.http import identified

    alice = client_of("alice", by="cookie", csrf=False)
    with app.test_request_context(
        "/api/v1/auth/logout", method="POST", headers={"Cookie": f"onyx_session={alice.signed_in['token']}"}
    ):
        g.request_id = "0" * 32
        for _ in range(2):
            with pytest.raises(Denied):
                identified()


def test_saying_to_be_somebody_else(client_of, world):
    alice = client_of("alice")
    path = "/api/v1/users/me"
    assert alice.get(path, headers={"X-User-ID": str(world.alice.id)}).status_code == 200
    for said in (str(world.bob.id), "nonsense", "", "admin"):
        assert alice.get(path, headers={"X-User-ID": said}).status_code == 403, said


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(client_of, world):
    answer = client_of(None).post(
        "/api/v1/auth/login", json={"email": world.alice.email, "password": world.alice.password}
    )
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_a_bearer_beats_the_cookie_and_cookies_beat_nothing(client_of, world):
    alice = client_of("alice", by="cookie")
    bob = client_of("bob")
    answer = alice.get("/api/v1/users/me", headers={"Authorization": f"Bearer {bob.token}"})
    assert answer.get_json()["data"]["email"] == world.bob.email
    assert alice.get("/api/v1/users/me", headers={"Authorization": "Bearer nonsense"}).status_code == 401
