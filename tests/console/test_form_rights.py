"""A form gives no right that the API does not: who may edit people need not be who may give and take roles (V8.2.1)."""

from __future__ import annotations

import pytest

from tests.roles.conftest import give, make  # noqa: F401 - fixture


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_the_form_of_a_person_leaves_roles_alone_to_whoever_may_not_give_them(client_of, world, make, owner):  # noqa: F811
    role = make("users:read", "users:manage")
    assert give(client_of("dana"), world.alice, "user", role["key"]).status_code == 200
    alice = client_of("alice")
    assert give(alice, world.bob, "limited").status_code == 403, "so says the API"

    def edited(name, *roles):
        sent = {"email": world.bob.email, "display_name": name, "roles": list(roles)}
        return alice.post(f"/admin/people/edit/?id={world.bob.id}", data=sent)

    def held():
        found = owner.execute(f"select role from {world.acme.schema}.user_role where user_id = %s", [world.bob.id])
        return [row[0] for row in found]

    answer = edited("Bob the Second", "limited")
    assert held() == ["user"] and "You are not allowed to do that." in answer.text
    assert edited("Bob the Third", "user").status_code == 303
    shown = client_of("dana").get(f"/api/v1/users/{world.bob.id}").get_json()["data"]
    assert (shown["display_name"], shown["roles"]) == ("Bob the Third", ["user"])
