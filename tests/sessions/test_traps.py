"""Traps of sessions and sockets that others fell into, each by its id in the catalogue of such traps (S1, S5, I3, I8)."""

from __future__ import annotations

import time

import pytest
import socketio
from redis import Redis

import jobs.receipts
import jobs.sessions  # noqa: F401 (they register their jobs)
from jobs import runner
from jobs.asker import Refused
from onyx import embedded
from onyx.access.policy import permissions_of
from onyx.core.ids import uuid7
from onyx.edge.live import EVENTS
from onyx.embedded import places, redis_server
from tests.waiting import PATIENT, promptly

ME = "/api/v1/users/me"
CAST = ("dana", "carol", "cleo", "alice", "lee", "petra")


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_f16_a_suspended_person_has_no_way_left(app, server, socket_of, sign_in, client_of, world):
    """F16: HTTP, socket, API key, a job that waits, the export of a chat: nothing works from the suspension on."""
    two, dana = server(processes=2), client_of("dana")
    assert dana.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["admin", "user"]}).status_code == 200
    there = sign_in("bob")
    bob = two.http(there["token"])
    chat = bob.post("/api/v1/sessions", json={"title": "private"}).json()["data"]["id"]
    export = f"/api/v1/sessions/{chat}/export?format=md"
    made = bob.post("/api/v1/api-keys", json={"name": "sync", "permissions": ["chat:use"]})
    assert made.status_code == 201, made.text
    program, socket = two.http(made.json()["data"]["key"]), socket_of("bob", two, token=there["token"])
    ways = [lambda: bob.get(ME), lambda: bob.get(export), lambda: program.get("/api/v1/sessions")]
    assert [way().status_code for way in ways] == [200, 200, 200]
    who = {"kind": "user", "user": world.bob.id.hex, "session": there["session_id"], "email": world.bob.email}
    asked = {"tenant": world.acme.id.hex, "actor": who}
    with app.app_context():
        assert runner.run("sessions.expire", asked, uuid7().hex).outcome == "success"
    assert dana.post(f"/api/v1/users/{world.bob.id}/suspend").status_code == 200
    assert socket.wait_for("session:revoked")["reason"] == "suspended"
    _until(lambda: not socket.connected)
    for _ in range(3):
        assert [way().status_code for way in ways] == [401, 401, 401]
    with app.app_context(), pytest.raises(Refused):
        runner.run("sessions.expire", asked, uuid7().hex)


def test_f19_no_raw_token_lies_in_redis_the_log_or_the_trail(app, server, socket_of, client_of, world, owner):
    """F19: whoever reads Redis, the log or the audit trail holds no session in their hands."""
    alice = client_of("alice")
    socket_of("alice", server(), token=alice.token)
    assert alice.get(ME).status_code == 200
    alice.post("/api/v1/auth/refresh")
    redis: Redis = app.extensions["onyx"].store.client
    secret = alice.token.split(".")[-1].encode()
    keys = list(redis.scan_iter(count=1000))
    assert any(b":auth:session:" in key for key in keys)
    assert [key for key in keys if secret in key] == []
    assert [key for key in keys if redis.type(key) == b"string" and secret in (redis.get(key) or b"")] == []
    assert secret.decode() not in server().log()
    found = owner.execute(
        f"select count(*) from {world.acme.schema}.audit_event e where e::text like %s", [f"%{secret.decode()}%"]
    ).fetchone()
    assert found == (0,)


def test_f29_every_event_is_allowed_by_itself(server, socket_of, world):
    """F29: being connected opens nothing: each event against each role, from the registry and the policy."""
    refused = 0
    for name in CAST:
        person = world[name]
        may = permissions_of((person.role,), person.tenant.slug)
        for namespace in {space for space, _ in EVENTS}:
            events = [event for (space, _), event in EVENTS.items() if space == namespace]
            if namespace == "/live" and not any(event.permission in may for event in events):
                with pytest.raises(socketio.exceptions.ConnectionError):
                    socket_of(name, server(), namespace)
                continue
            socket = socket_of(name, server(), namespace)
            for event in (event for event in events if event.permission not in may):
                answer = socket.ask(event.name, {})
                assert answer["ok"] is False and answer["error"]["code"] == "denied", (name, event.name, answer)
                refused += 1
    assert refused >= 10


def test_f30_who_comes_back_is_judged_anew(server, socket_of, sign_in, client_of, world):
    """F30: a socket that reconnects gets only what its person may have now, and every join is judged by itself."""
    dana = client_of("dana")
    chat = client_of("alice").post("/api/v1/sessions", json={"title": "hers"}).get_json()["data"]["id"]
    roles = f"/api/v1/users/{world.bob.id}/roles"
    assert dana.put(roles, json={"roles": ["admin", "user"]}).status_code == 200
    token = sign_in("bob")["token"]
    first = socket_of("bob", server(), "/live", token=token)
    assert first.wait_for("stats")["scope"] == "tenant"
    assert dana.put(roles, json={"roles": ["user"]}).status_code == 200
    assert first.wait_for("session:revoked")["reason"] == "roles_changed"
    with pytest.raises(socketio.exceptions.ConnectionError):
        socket_of("bob", server(), "/live", token=token)
    for _ in range(2):
        again = socket_of("bob", server(), token=token)
        assert again.ask("session:join", {"sessionId": chat})["error"]["code"] == "not_found"
        again.disconnect()


def test_f33_a_revocation_without_redis_reports_its_failure_and_is_retried_by_the_job(
    app, var, client_of, owner, world
):
    """F33: Redis dies under a revocation: the receipt is red and says why, the job asks again, nobody is silent."""
    bus = app.extensions["onyx"].bus
    _until(lambda: bus.trusted)
    dana, alice = client_of("dana"), client_of("alice")
    assert alice.get(ME).status_code == 200
    redis_server.stop(places.of(var), lambda _: None)
    try:
        answer = dana.delete(f"/api/v1/live-sessions/{alice.signed_in['session_id']}")
        assert answer.status_code == 200 and alice.get(ME).status_code == 401, "it ended all the same"
        path = f"/api/v1/revocations/{answer.get_json()['data']['revocation']}"
        receipt = dana.get(path).get_json()["data"]
        assert (receipt["state"], receipt["complete"]) == ("red", False) and "Redis" in receipt["trouble"]
        assert dana.post(f"{path}/retry").status_code == 503
        owner.execute("update onyx.revocation set told_at = told_at - interval '10 seconds'")
    finally:
        embedded.start(var, lambda _: None)
    _until(lambda: bus.trusted)
    _until(lambda: bus.process in bus.receipts.alive())
    assert _retry(app, world).effects >= 1
    _until(lambda: dana.get(path).get_json()["data"]["state"] == "done")
    receipt = dana.get(path).get_json()["data"]
    assert receipt["tries"] >= 1 and receipt["settled_at"] is None
    _retry(app, world)
    assert dana.get(path).get_json()["data"]["settled_at"] is not None, "and then it is left alone"


def test_f33_a_process_that_fails_over_a_notice_does_not_acknowledge_it(app, client_of, world):
    """F33: what raises keeps no other listener, is shown as failed, and is tried again until it works."""
    bus = app.extensions["onyx"].bus
    _until(lambda: bus.trusted)
    dana, alice = client_of("dana"), client_of("alice")
    broken, heard = [True], []

    def listener(notice):
        if notice.subject.hex == alice.signed_in["session_id"].replace("-", ""):
            heard.append(broken[0])
            if broken[0]:
                raise OSError("the wire broke")

    bus._listeners.insert(0, listener)
    try:
        answer = dana.delete(f"/api/v1/live-sessions/{alice.signed_in['session_id']}").get_json()["data"]
        path = f"/api/v1/revocations/{answer['revocation']}"
        mine = _line(dana.get(path), bus.process)
        assert (mine["state"], mine["error"]) == ("red", "OSError")
        assert alice.get(ME).status_code == 401, "the listeners after it were heard"
        broken[0] = False
        _until(lambda: _line(dana.get(path), bus.process)["state"] == "acknowledged")
        assert heard.count(True) >= 1 and heard.count(False) >= 1
    finally:
        bus._listeners.remove(listener)


def test_ending_everybody_closes_every_socket_but_the_admins_on_two_processes(server, socket_of, sign_in, world):
    """One notice for all: each process looks for the sessions that it serves, once."""
    two = server(processes=2)
    own = sign_in("dana")
    dana, stays = two.http(own["token"]), socket_of("dana", two, token=own["token"])
    sockets = [socket_of(name, two) for name in ("alice", "bob", "cleo", "lee") for _ in range(3)]
    ask = {"all": True, "confirm": world.acme.slug}
    with promptly(5):
        answer = dana.post("/api/v1/live-sessions/revoke", json=ask).json()["data"]
        for socket in sockets:
            assert socket.wait_for("session:revoked")["reason"] == "revoked_by_admin"
    assert answer["ended"] >= 12
    assert stays.connected and dana.get(ME).status_code == 200
    path = f"/api/v1/revocations/{answer['revocations'][0]}"
    _until(lambda: dana.get(path).json()["data"]["state"] == "done")


def _retry(app, world):
    with app.app_context():
        meta = {"tenant": world.platform.id.hex, "actor": {"kind": "schedule"}}
        return runner.run("revocations.retry", meta, uuid7().hex)


def _line(answer, process):
    return next(line for line in answer.get_json()["data"]["processes"] if line["process"] == process)


def _until(what, seconds=PATIENT):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
