"""Redis stopped, emptied, gone back in time; PostgreSQL away: nobody is logged out, nobody comes back (S6)."""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import contextmanager

import pytest

from onyx import embedded
from onyx.edge.store import key
from onyx.embedded import places, postgres, redis_server
from tests.waiting import PATIENT

ME = "/api/v1/users/me"


def _quiet(_text: str) -> None:
    pass


def _until(what, seconds=PATIENT):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come back in time"
        time.sleep(0.02)


@pytest.fixture
def bus(app):
    """The control bus, trusted again before and after."""
    bus = app.extensions["onyx"].bus
    _until(lambda: bus.trusted)
    yield bus
    _until(lambda: bus.trusted)


@contextmanager
def no_redis(var):
    where = places.of(var)
    redis_server.stop(where, _quiet)
    try:
        yield where
    finally:
        embedded.start(var, _quiet)


def _revoke(client, session: str) -> None:
    assert client.delete(f"/api/v1/auth/sessions/{session}").status_code == 200


def test_without_redis_sessions_live_on_and_ended_ones_stay_dead(client_of, var, bus):
    stays, goes, by = client_of("alice"), client_of("alice"), client_of("alice")
    for client in (stays, goes, by):
        assert client.get(ME).status_code == 200
    with no_redis(var):
        assert stays.get(ME).status_code == 200
        _revoke(by, goes.signed_in["session_id"])
        assert goes.get(ME).status_code == 401
        assert client_of("bob").get(ME).status_code == 200, "people can sign in meanwhile"
    assert goes.get(ME).status_code == 401, "at once, before anybody has caught up"
    _until(lambda: bus.trusted)
    assert (goes.get(ME).status_code, stays.get(ME).status_code) == (401, 200)


def test_an_emptied_redis_changes_nothing(app, client_of, bus):
    """F18: the session exists on the server: live ones are validated again, ended ones stay dead."""
    stays, goes, by = client_of("alice"), client_of("alice"), client_of("alice")
    _revoke(by, goes.signed_in["session_id"])
    app.extensions["onyx"].store.client.flushall()
    assert (stays.get(ME).status_code, goes.get(ME).status_code) == (200, 401)


def test_an_older_copy_of_redis_brings_nobody_back(client_of, var, bus, app, owner):
    """Not by the notice either, which is long past: the generation alone makes the older entries unbelievable."""
    stays, goes, by = client_of("alice"), client_of("alice"), client_of("alice")
    for client in (stays, goes, by):
        client.get(ME)
        assert client.get(ME).status_code == 200
    where = places.of(var)
    older = where.redis.with_name("redis-older")
    app.extensions["onyx"].store.client.save()
    time.sleep(0.1)
    shutil.copytree(where.redis, older, copy_function=shutil.copy2, ignore=shutil.ignore_patterns("temp-*"))
    _revoke(by, goes.signed_in["session_id"])
    owner.execute("update onyx.revocation set created_at = created_at - interval '1 hour'")
    with no_redis(var):
        shutil.rmtree(where.redis)
        older.rename(where.redis)
        where.account.give(where.redis)
        for path in where.redis.rglob("*"):
            where.account.give(path)
    seen = set()
    while not bus.trusted:
        seen.add(goes.get(ME).status_code)
    seen.add(goes.get(ME).status_code)
    assert seen == {401}, "the older copy's entry was believed"
    assert stays.get(ME).status_code == 200


def test_postgresql_away_is_told_and_passes(client_of, var, bus, app):
    alice = client_of("alice")
    assert alice.get(ME).status_code == 200
    postgres.stop(places.of(var), _quiet)
    try:
        for path in ("/api/v1/auth/sessions", "/api/v1/sessions"):
            answer = alice.get(path)
            assert answer.status_code == 503, answer.text
            assert answer.get_json()["error"]["code"] == "unavailable"
        login = app.test_client().post("/api/v1/auth/login", json={"email": "a@b.example", "password": "x"})
        assert login.status_code == 503, login.text
        assert app.test_client().get("/readyz").status_code == 503
        assert app.test_client().get("/healthz").status_code == 200
    finally:
        embedded.start(var, _quiet)
    _until(lambda: alice.get("/api/v1/auth/sessions").status_code == 200)


def test_nobody_meets_a_connection_that_a_restart_of_postgresql_cut_off(client_of, var, bus):
    alice = client_of("alice")
    assert alice.get("/api/v1/auth/sessions").status_code == 200
    postgres.stop(places.of(var), _quiet)
    embedded.start(var, _quiet)
    assert alice.get("/api/v1/auth/sessions").status_code == 200


def test_a_new_generation_reads_roles_anew_and_is_believed_again(app, client_of, owner, world, bus):
    alice = client_of("alice")
    redis, person = app.extensions["onyx"].store.client, key(world.acme.id, "user", world.alice.id)

    def is_remembered():
        """A request that the machine kept waiting is not: the next one is."""
        assert alice.get(ME).status_code == 200
        return bus.believes(redis.get(_entry_of(alice, world)) or b"") and redis.get(person) not in (None, b"-")

    _until(is_remembered)
    with owner.transaction():
        owner.execute(f"set local search_path = {world.acme.schema}")
        owner.execute("alter table user_role disable trigger recorded")
        owner.execute("insert into user_role (user_id, role) values (%s, 'curator')", [world.alice.id])
        owner.execute("alter table user_role enable trigger recorded")
    assert alice.get(ME).get_json()["data"]["roles"] == ["user"], "nobody said that it changed"
    with app.app_context():
        bus.new_generation()
    assert alice.get(ME).get_json()["data"]["roles"] == ["curator", "user"]
    _until(is_remembered)


def _entry_of(client, world) -> str:
    return f"t:{world.acme.id}:auth:session:{hashlib.sha256(client.token.encode()).hexdigest()}"
