"""Roles of one's own, and grants that end, where programs, directories and other sign-ins meet them (I2, I7, I8)."""

from datetime import timedelta

import pytest

from onyx.access.policy import GRANTABLE, Permission
from onyx.core.clock import now, rfc3339
from tests.roles.conftest import ROLES, give
from tests.scim.test_scim import _group, _roles, directory_of

__all__ = ["directory_of"]


@pytest.fixture
def key_of(client_of, app):
    def made(name, *permissions):
        answer = client_of(name).post("/api/v1/api-keys", json={"name": "program", "permissions": list(permissions)})
        assert answer.status_code == 201, answer.text
        headers = {"Authorization": f"Bearer {answer.get_json()['data']['key']}"}
        return lambda path: app.test_client().get(path, headers=headers).status_code

    return made


def test_a_key_has_what_an_own_role_gives_its_person_and_loses_it_with_the_role(client_of, make, key_of, world):
    role, dana = make("users:read"), client_of("dana")
    assert give(dana, world.alice, "user", role["key"]).status_code == 200
    ask = key_of("alice", "users:read")
    assert ask("/api/v1/users") == 200
    assert dana.patch(f"{ROLES}/{role['id']}", json={"permissions": ["jobs:read"]}).status_code == 200
    assert ask("/api/v1/users") == 403
    assert dana.patch(f"{ROLES}/{role['id']}", json={"permissions": ["users:read"]}).status_code == 200
    assert ask("/api/v1/users") == 200
    assert dana.delete(f"{ROLES}/{role['id']}").status_code == 200
    assert ask("/api/v1/users") == 403


def test_a_key_ends_to_have_what_was_given_for_a_time(client_of, key_of, cached, world, monkeypatch):
    import time
    from types import SimpleNamespace

    dana = client_of("dana")
    end = rfc3339(now() + timedelta(minutes=5))
    assert give(dana, world.alice, "user", "admin", until={"admin": end}).status_code == 200
    ask = key_of("alice", "users:read", "chat:use")
    cached(client_of("alice"), "alice")
    assert ask("/api/v1/users") == 200
    from onyx.edge import gate

    later = time.time() + 301
    monkeypatch.setattr(gate, "time", SimpleNamespace(time=lambda: later, monotonic=time.monotonic))
    asked = []
    real = gate._from_database
    monkeypatch.setattr(gate, "_from_database", lambda *given: asked.append(1) or real(*given))
    ask("/api/v1/users")
    assert asked, "Redis alone answered for a grant that is over"


def test_who_vouches_for_people_is_in_no_own_role(client_of):
    never = {Permission.SCIM_PROVISION, Permission.SSO_MANAGE, Permission.TENANTS_READ, Permission.TENANTS_MANAGE}
    assert not GRANTABLE & never
    for permission in never:
        answer = client_of("dana").post(ROLES, json={"name": "Ours", "permissions": ["users:read", permission]})
        assert answer.status_code == 422, permission


def test_a_group_named_like_an_own_role_gives_it_until_the_role_goes(client_of, directory_of, make, world):
    role, scim = make("jobs:read", name="Night Watch"), directory_of()
    made = scim("POST", "/Groups", _group("night watch", world.bob.id))
    assert made.status_code == 201, made.text
    assert _roles(client_of, world.bob.id) == ["night-watch", "user"]
    assert client_of("dana").delete(f"{ROLES}/{role['id']}").status_code == 200
    assert _roles(client_of, world.bob.id) == ["user"]
    make("users:read", name="Night Watch")
    scim("PUT", f"/Groups/{made.get_json()['id']}", _group("someone else", world.bob.id, world.alice.id))
    assert _roles(client_of, world.alice.id) == ["user"], "a key that is given again met a group of its forerunner"


def test_a_directory_keeps_ends_and_makes_what_it_gives_permanent(client_of, directory_of, world):
    dana, scim = client_of("dana"), directory_of()
    end = rfc3339(now() + timedelta(hours=1))
    given = give(dana, world.bob, "user", "curator", until={"curator": end})
    assert given.status_code == 200, given.text
    limited = scim("POST", "/Groups", _group("limited", world.bob.id))
    told = dana.get(f"/api/v1/users/{world.bob.id}").get_json()["data"]
    assert told["roles"] == ["curator", "limited", "user"] and set(told["until"]) == {"curator"}
    assert scim("DELETE", f"/Groups/{limited.get_json()['id']}").status_code == 204
    assert scim("POST", "/Groups", _group("curator", world.bob.id)).status_code == 201
    told = dana.get(f"/api/v1/users/{world.bob.id}").get_json()["data"]
    assert told["roles"] == ["curator", "user"] and told["until"] == {}


def test_a_directory_gives_nothing_for_longer_than_its_maker_administers(client_of, directory_of, world):
    dana = client_of("dana")
    assert give(dana, world.alice, "user", "admin").status_code == 200
    scim = directory_of("alice")
    given = scim("POST", "/Groups", _group("admin", world.bob.id))
    assert given.status_code == 201, given.text
    end = rfc3339(now() + timedelta(hours=1))
    assert give(dana, world.alice, "user", "admin", until={"admin": end}).status_code == 200
    group = f"/Groups/{given.get_json()['id']}"
    refused = scim("PUT", group, _group("admin", world.bob.id, world.lee.id))
    assert refused.status_code == 403 and end in refused.get_json()["detail"]
    assert scim("POST", "/Groups", _group("auditor", world.lee.id)).status_code == 403
    assert scim("POST", "/Groups", _group("curator", world.lee.id)).status_code == 201, "what lasts gives this"
    assert scim("PUT", group, _group("admin")).status_code == 200, "to take is no gift"
    assert _roles(client_of, world.bob.id) == ["user"]


def test_a_preview_names_people_to_those_who_may_see_people(client_of, make, world):
    maker, role = make("roles:manage", name="Maker"), make("roles:manage", name="Other")
    dana = client_of("dana")
    assert give(dana, world.alice, "user", maker["key"]).status_code == 200
    assert give(dana, world.bob, "user", role["key"]).status_code == 200
    sent = {"role_id": role["id"], "permissions": ["chat:use"]}
    assert world.bob.email in dana.post(f"{ROLES}/preview", json=sent).text
    told = client_of("alice").post(f"{ROLES}/preview", json=sent)
    assert told.get_json()["data"] == {
        "allows": ["chat:use"],
        "people": 1,
        "gain": 0,
        "lose": 1,
        "gains": [],
        "loses": [],
    }
