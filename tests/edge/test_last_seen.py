"""Last seen is written in batches, for live sessions only, and waits when PostgreSQL is away."""

from uuid import UUID

import pytest

from onyx.edge import last_seen


@pytest.fixture
def world(fresh_world):
    return fresh_world


_flush = last_seen.flush


@pytest.fixture(autouse=True)
def nothing_waiting(app, monkeypatch):
    """Only the tests write: the threads that do so every 20 seconds would now and then come before them."""
    monkeypatch.setattr(last_seen, "flush", lambda: 0)
    with app.app_context():
        _flush()


def age(owner, tenant, session_id):
    owner.execute(
        f"update {tenant.schema}.login_session set last_seen_at = now() - interval '1 hour' where id = %s", [session_id]
    )


def seconds_ago(owner, tenant, session_id):
    return owner.execute(
        f"select extract(epoch from now() - last_seen_at)::int from {tenant.schema}.login_session where id = %s",
        [session_id],
    ).fetchone()[0]


def test_a_request_is_noted_and_written_later(app, client_of, owner, world):
    alice = client_of("alice")
    id = alice.signed_in["session_id"]
    age(owner, world.acme, id)
    alice.get("/api/v1/users/me")
    assert seconds_ago(owner, world.acme, id) > 3000, "a request must not pay for it"
    with app.app_context():
        assert _flush() == 1
        assert _flush() == 0
    assert seconds_ago(owner, world.acme, id) < 60


def test_each_tenant_is_written_in_its_own_scope(app, client_of, owner, world):
    both = {world.acme: client_of("alice"), world.globex: client_of("mallory")}
    for tenant, client in both.items():
        age(owner, tenant, client.signed_in["session_id"])
        client.get("/api/v1/users/me")
    with app.app_context():
        assert _flush() == 2
    assert all(seconds_ago(owner, tenant, client.signed_in["session_id"]) < 60 for tenant, client in both.items())


def test_an_ended_session_is_left_alone(app, client_of, owner, world):
    alice = client_of("alice")
    id = alice.signed_in["session_id"]
    alice.post("/api/v1/auth/logout")
    last_seen.touch(world.acme.id, world.alice.id, UUID(id))
    with app.app_context():
        assert _flush() == 0


def test_what_cannot_be_written_waits_and_keeps_no_other(app, client_of, owner, world):
    both = {world.acme: client_of("alice"), world.globex: client_of("mallory")}
    for tenant, client in both.items():
        age(owner, tenant, client.signed_in["session_id"])
        client.get("/api/v1/users/me")
    there, role = world.acme.schema, world.acme.schema
    owner.execute(f"revoke usage on schema {there} from {role}")
    try:
        with app.app_context():
            assert _flush() == 1
    finally:
        owner.execute(f"grant usage on schema {there} to {role}")
    assert seconds_ago(owner, world.globex, both[world.globex].signed_in["session_id"]) < 60
    with app.app_context():
        assert _flush() == 1
    assert seconds_ago(owner, world.acme, both[world.acme].signed_in["session_id"]) < 60


def test_memory_is_bounded(app, monkeypatch, world, client_of):
    monkeypatch.setattr(last_seen, "MOST", 2)
    monkeypatch.setattr(last_seen, "_seen", {})  # without those whom other tests saw
    for number in range(10):
        last_seen.touch(world.acme.id, world.alice.id, UUID(int=number))
    assert len(last_seen._seen) == 2
