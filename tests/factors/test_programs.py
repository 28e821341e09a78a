"""API keys beside second factors: confirmed when they are made, and worth nothing while a factor is missing (I6, I8)."""

from __future__ import annotations

import pyotp
import pytest

from tests.factors.conftest import FACTORS, code_in

POLICY = "/api/v1/sign-in-policy"
KEYS = "/api/v1/api-keys"


@pytest.fixture
def by_key(app):
    def ask(key, path, **more):
        return app.test_client().open(path, headers={"Authorization": f"Bearer {key}"}, **more)

    return ask


def key_of(client, *permissions):
    answer = client.post(KEYS, json={"name": "program", "permissions": list(permissions)})
    assert answer.status_code == 201, answer.text
    return answer.get_json()["data"]["key"]


def test_a_key_is_made_only_by_somebody_who_confirmed_lately(client_of, make_stale):
    alice = client_of("alice")
    make_stale(alice, "alice")
    answer = alice.post(KEYS, json={"name": "program", "permissions": ["chat:use"]})
    assert (answer.status_code, code_in(answer)) == (403, "step_up_required")


def test_single_sign_on_is_set_up_only_by_somebody_who_confirmed_lately(client_of, make_stale):
    dana = client_of("dana")
    make_stale(dana, "dana")
    for method in ("put", "delete"):
        answer = getattr(dana, method)("/api/v1/sso", json={})
        assert (answer.status_code, code_in(answer)) == (403, "step_up_required"), method


def test_a_key_is_not_asked_again_for_what_was_confirmed_when_it_was_made(client_of, by_key):
    key = key_of(client_of("petra"), "tenants:manage")
    assert by_key(key, "/api/v1/tenants", method="POST", json={}).status_code == 422


def test_a_key_is_worth_nothing_while_its_person_lacks_the_factor_that_is_required(client_of, codes_of, by_key):
    alice = client_of("alice")
    key = key_of(alice, "chat:use")
    assert by_key(key, "/api/v1/sessions").status_code == 200
    dana = client_of("dana")
    codes_of("dana", dana)
    assert dana.patch(POLICY, json={"require_factor": True}).status_code == 200
    for path in ("/api/v1/sessions", "/api/v1/users/me", FACTORS):
        answer = by_key(key, path)
        assert (answer.status_code, code_in(answer)) == (403, "factor_required"), path
    generator, _codes = codes_of("alice", alice)
    assert isinstance(generator, pyotp.TOTP)
    assert by_key(key, "/api/v1/sessions").status_code == 200
    assert by_key(key, FACTORS).status_code == 403


def test_neither_a_key_nor_who_looks_after_people_alone_decides_how_all_sign_in(client_of, by_key, world):
    dana = client_of("dana")
    answer = by_key(key_of(dana, "users:manage"), POLICY, method="PATCH", json={"require_factor": False})
    assert (answer.status_code, code_in(answer)) == (403, "denied")
    desk = {"name": "Desk", "permissions": ["users:manage", "users:read"]}
    role = dana.post("/api/v1/roles", json=desk).get_json()["data"]["key"]
    assert dana.put(f"/api/v1/users/{world.alice.id}/roles", json={"roles": ["user", role]}).status_code == 200
    assert client_of("alice").patch(POLICY, json={"require_factor": False}).status_code == 403
    assert dana.patch(POLICY, json={"require_factor": False}).status_code == 200
