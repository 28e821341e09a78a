"""What tests of roles share: making a role, giving it, and an entry in Redis that is surely there."""

import pytest

from tests.waiting import until

ROLES = "/api/v1/roles"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def make(client_of):
    """Make a role as one of the cast: its data."""

    def made(*permissions, name="Service Desk", by="dana"):
        answer = client_of(by).post(ROLES, json={"name": name, "permissions": permissions})
        assert answer.status_code == 201, answer.text
        return answer.get_json()["data"]

    return made


@pytest.fixture
def cached(app, world):
    """Have Redis hold the person's entry as it is now. A change keeps it out for seconds, in which a test of the cache
    would pass whatever the code does.
    """
    from onyx.edge.store import key

    redis = app.extensions["onyx"].store.client

    def hold(client, name):
        place = key(world[name].tenant.id, "user", world[name].id)

        def is_written():
            redis.delete(place)
            client.get("/api/v1/users/me")
            return redis.get(place) not in (None, b"-")

        until(is_written)

    return hold


@pytest.fixture
def run(app, world):
    """Run a job as the schedule does."""
    import jobs.roles  # noqa: F401
    from jobs import runner
    from onyx.core.ids import uuid7

    def perform(name):
        with app.app_context():
            return runner.run(name, {"tenant": world.platform.id.hex, "actor": {"kind": "schedule"}}, uuid7().hex)

    return perform


def give(client, person, *roles, **more):
    return client.put(f"/api/v1/users/{person.id}/roles", json={"roles": roles, **more})
