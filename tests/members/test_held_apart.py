"""An auditor's way in is the auditor's own: no administrator comes to read the trail through it (decision 0005)."""

from __future__ import annotations

import pytest

from tests.passwords.conftest import mailbox, posted  # noqa: F401 - fixtures
from tests.scim.test_scim import _group, directory_of  # noqa: F401 - fixture


@pytest.fixture
def world(fresh_world):
    return fresh_world


def _told(owner, tenant):
    found = owner.execute(
        f"select targets->0->>'id' from {tenant.schema}.audit_event where action = 'auditor.appointed' order by recorded_at, event_id"
    )
    return [row[0] for row in found.fetchall()]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/reset-password", {}),
        ("POST", "/reset-link", {}),
        ("DELETE", "/factors", {}),
        ("PATCH", "", {"email": "mine@evil.example"}),
    ],
)
def test_no_administrator_gets_hold_of_an_auditors_way_in(client_of, world, method, path, body):
    """The same works for Alice, so that it is the auditor who is protected."""
    dana = client_of("dana")
    refused = dana.open(f"/api/v1/users/{world.carol.id}{path}", method=method, json=body)
    assert refused.status_code == 403 and refused.get_json()["error"]["code"] == "denied"
    assert dana.open(f"/api/v1/users/{world.alice.id}{path}", method=method, json=body).status_code == 200


def test_a_link_goes_to_the_auditor_alone(client_of, world, mailbox, posted):  # noqa: F811
    answer = client_of("dana").post(f"/api/v1/users/{world.carol.id}/reset-link")
    assert answer.status_code == 200 and answer.get_json()["data"]["link"] is None
    assert posted(world.acme) == ["waiting"]


def test_every_appointment_is_told_plainly(client_of, world, owner):
    dana = client_of("dana")
    before = _told(owner, world.acme)
    made = dana.post("/api/v1/users", json={"email": "second@acme.example", "roles": ["auditor"]})
    assert made.status_code == 201
    assert dana.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["user", "auditor"]}).status_code == 200
    assert dana.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["auditor"]}).status_code == 200, "no news"
    assert dana.put(f"/api/v1/users/{world.alice.id}/roles", json={"roles": ["curator"]}).status_code == 200
    assert _told(owner, world.acme) == [*before, made.get_json()["data"]["id"], str(world.bob.id)]


@pytest.mark.parametrize("permissions", [("users:manage", "users:read"), ("roles:grant", "users:read")])
def test_a_role_with_a_part_of_administration_appoints_no_auditor(client_of, world, permissions):
    """Whoever may make accounts and no more must not make one that reads the trail, nor find another way to it."""
    dana = client_of("dana")
    some = ["keys:create", "own:account", "own:sign_in", "profile:read"]
    made = dana.post("/api/v1/roles", json={"name": "Desk", "permissions": [*permissions, *some]}).get_json()["data"]
    assert dana.put(f"/api/v1/users/{world.alice.id}/roles", json={"roles": ["user", made["key"]]}).status_code == 200
    alice = client_of("alice")
    person = {"email": "second@acme.example", "roles": ["auditor"]}
    tries = [
        alice.post("/api/v1/users", json=person),
        alice.post("/api/v1/invitations", json=person),
        alice.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["auditor"]}),
    ]
    table = alice.post("/api/v1/users/import?make=accounts", data="email,roles\nthird@acme.example,auditor\n")
    assert table.status_code == 403 or table.get_json()["data"]["refused"] == 1
    assert [answer.status_code for answer in tries] == [403, 403, 403]
    assert dana.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["auditor"]}).status_code == 200


def test_a_role_that_comes_to_read_the_trail_tells_of_each_appointment(client_of, world, owner, app, directory_of):  # noqa: F811
    """Whichever way somebody comes to it: by an edit of the role that they hold, a grant, an invitation, a directory."""
    dana = client_of("dana")
    assert dana.put(f"/api/v1/users/{world.alice.id}/roles", json={"roles": ["admin", "auditor"]}).status_code == 200
    alice, before = client_of("alice"), _told(owner, world.acme)
    role = alice.post("/api/v1/roles", json={"name": "Watch", "permissions": ["users:read"]}).get_json()["data"]
    for person, roles in ((world.bob, ["user"]), (world.cleo, ["user"]), (world.carol, ["auditor"])):
        given = alice.put(f"/api/v1/users/{person.id}/roles", json={"roles": [*roles, role["key"]]})
        assert given.status_code == 200
    assert _told(owner, world.acme) == before
    edit = {"permissions": ["users:read", "audit:read"]}
    assert alice.patch(f"/api/v1/roles/{role['id']}", json=edit).status_code == 200
    at_once = {str(world.bob.id), str(world.cleo.id)}
    assert set(_told(owner, world.acme)[len(before) :]) == at_once, "Carol was one already"
    assert alice.patch(f"/api/v1/roles/{role['id']}", json={**edit, "name": "Watches"}).status_code == 200, "no news"
    assert dana.put(f"/api/v1/users/{world.lee.id}/roles", json={"roles": [role["key"]]}).status_code == 200
    sent = {"email": f"nora@{world.acme.slug}.example", "roles": [role["key"]]}
    link = dana.post("/api/v1/invitations", json=sent).get_json()["data"]["link"]
    redeem = {"token": link.partition("#")[2], "password": "a rather long sentence"}
    nora = app.test_client().post("/api/v1/invitations/redeem", json=redeem)
    assert nora.status_code == 201
    tom = dana.post("/api/v1/users", json={"email": f"tom@{world.acme.slug}.example"}).get_json()["data"]["id"]
    assert directory_of()("POST", "/Groups", _group("watches", tom)).status_code == 201
    found = owner.execute(f"select id from {world.acme.schema}.app_user where email = %s", [sent["email"]]).fetchone()
    assert _told(owner, world.acme)[len(before) + 2 :] == [str(world.lee.id), str(found[0]), tom]
