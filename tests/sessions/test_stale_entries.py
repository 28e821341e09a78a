"""What Redis remembers of a session or a person never outlives the change that made it untrue (S5, S6, I3)."""

import time

from onyx.edge import credentials, gate
from onyx.edge.store import key
from tests.waiting import until


def test_asking_on_does_not_bring_a_revoked_session_back(client_of, app, world):
    """The mark of an ended session dies after a day; an entry that every question renewed would outlive it."""
    thief, dana = client_of("alice"), client_of("dana")
    id = thief.signed_in["session_id"]
    redis = app.extensions["onyx"].store.client

    def remembered():
        """Its entry, which a request that the machine kept waiting does not write, but the next one."""
        assert thief.get("/api/v1/users/me").status_code == 200
        return [n for n in redis.scan_iter(key(world.acme.id, "auth", "session", "*")) if _is_of(redis, n, id)]

    (entry,) = until(remembered)
    assert dana.delete(f"/api/v1/live-sessions/{id}").status_code == 200
    redis.expire(entry, 100)
    for _ in range(3):
        assert thief.get("/api/v1/users/me").status_code == 401
    assert redis.ttl(entry) <= 100, "each refused question gave the entry another day"
    assert redis.ttl(key(world.acme.id, "ended", id)) > gate.ENTRY_SECONDS, "the mark outlives every entry"


def test_roles_that_were_read_long_ago_are_not_remembered(client_of, app, world, monkeypatch):
    """A process that stalls between reading and remembering may have been overtaken by a change and its tombstone."""
    alice = client_of("alice")
    redis = app.extensions["onyx"].store.client
    name = key(world.acme.id, "user", world.alice.id)
    redis.delete(name)
    must_live = credentials.session_must_live

    def slow(row, digest):
        time.sleep(gate.FRESH_SECONDS + 0.1)
        must_live(row, digest)

    monkeypatch.setattr(credentials, "session_must_live", slow)
    assert alice.get("/api/v1/users/me").status_code == 200
    assert redis.get(name) is None
    monkeypatch.undo()
    until(lambda: alice.get("/api/v1/users/me").status_code == 200 and redis.get(name) is not None)


def test_an_entry_claims_no_generation_that_began_after_it_was_read(client_of, app, world, monkeypatch):
    alice = client_of("alice")
    here = app.extensions["onyx"]
    here.store.client.delete(key(world.acme.id, "user", world.alice.id))
    must_live = credentials.session_must_live

    def overtaken(row, digest):
        here.bus.new_generation()
        must_live(row, digest)

    monkeypatch.setattr(credentials, "session_must_live", overtaken)

    def written():
        with app.app_context():
            assert alice.get("/api/v1/users/me").status_code == 200
        names = here.store.client.scan_iter(key(world.acme.id, "auth", "session", "*"))
        entries = [here.store.client.get(name) or b"" for name in names]
        return [entry for entry in entries if alice.signed_in["session_id"].encode() in entry]

    mine = until(written)  # a request that the machine kept waiting writes nothing, but the next one
    assert not any(here.bus.believes(entry) for entry in mine)


def _is_of(redis, name, session_id):
    return session_id.encode() in (redis.get(name) or b"")
