"""Whoever may do more is out of reach of those who look after people, at every door (I2)."""

from __future__ import annotations

import pytest

from tests.roles.conftest import ROLES, give

DOORS = [
    ("patch", "", {"display_name": "Robert"}),
    ("delete", "", None),
    ("post", "/suspend", None),
    ("post", "/reactivate", None),
    ("post", "/unlock", None),
    ("post", "/reset-password", None),
    ("post", "/reset-link", None),
    ("delete", "/factors", None),
]


@pytest.fixture
def alice(client_of, make, world):
    """Alice looks after people; Bob may do one thing more than she."""
    dana = client_of("dana")
    give(dana, world.alice, "user", make("users:manage", "users:read", name="Desk")["key"])
    give(dana, world.bob, "user", make("sessions:revoke", name="Bouncer")["key"])
    return client_of("alice")


def test_no_door_to_somebody_above_opens(app, alice, world, limits_on):
    for n in range(11):  # his own front door is closed, so that there is something to unlock
        wrong = {"email": world.bob.email, "password": f"wrong guess {n}"}
        status = app.test_client().post("/api/v1/auth/login", json=wrong).status_code
    assert status == 429
    before = alice.get(f"/api/v1/users/{world.bob.id}").get_json()["data"]
    for method, path, body in DOORS:
        answer = getattr(alice, method)(f"/api/v1/users/{world.bob.id}{path}", json=body)
        assert answer.status_code == 403, (method, path, answer.text)
    assert alice.get(f"/api/v1/users/{world.bob.id}").get_json()["data"] == before
    refused = alice.get(f"/api/v1/users/{world.bob.id}/deletion").get_json()["data"]["refused"]
    assert "more than you" in refused, "and it is said before she tries"


def test_the_same_doors_open_to_an_equal(alice, world):
    """Else the refusals above would prove nothing."""
    for method, path, body in DOORS:
        if (method, path) != ("delete", ""):
            answer = getattr(alice, method)(f"/api/v1/users/{world.cleo.id}{path}", json=body)
            assert answer.status_code == 200, (method, path, answer.text)
    assert alice.delete(f"/api/v1/users/{world.cleo.id}").status_code == 200


def test_a_grant_that_has_ended_is_neither_counted_nor_previewed(client_of, make, world, owner):
    """The sweep may come later: what is shown goes by the clock."""
    role, dana, table = make("users:read"), client_of("dana"), f"{world.acme.schema}.user_role"
    told = {"role_id": role["id"], "permissions": ["sessions:read"]}

    def people():
        listed = next(one for one in dana.get(ROLES).get_json()["data"] if one["id"] == role["id"])
        return listed["people"], dana.post(f"{ROLES}/preview", json=told).get_json()["data"]["people"]

    end = {"until": {role["key"]: "2099-01-01T00:00:00Z"}}
    assert give(dana, world.bob, "user", role["key"], **end).status_code == 200
    assert people() == (1, 1)
    with owner.transaction():
        owner.execute(f"alter table {table} disable trigger user")
        owner.execute(f"update {table} set expires_at = now() - interval '1 second' where role = %s", [role["key"]])
        owner.execute(f"alter table {table} enable trigger user")
    assert people() == (0, 0)
