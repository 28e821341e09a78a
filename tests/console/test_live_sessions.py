"""An administrator sees who is signed in, ends it, and reads the receipt; open pages obey within a second (S4, S5)."""

import os
import signal

import pytest
import requests

from tests.server import falls_silent
from tests.waiting import promptly, until


def test_the_list_shows_the_own_tenant_and_narrows(client_of, world):
    dana, alice, _mallory = client_of("dana"), client_of("alice"), client_of("mallory")
    rows = dana.get("/api/v1/live-sessions").get_json()["data"]
    assert {alice.signed_in["session_id"], dana.signed_in["session_id"]} <= {row["id"] for row in rows}
    assert world.mallory.email not in {row["email"] for row in rows}
    only = dana.get(f"/api/v1/live-sessions?user={world.alice.id}").get_json()["data"]
    assert {row["email"] for row in only} == {world.alice.email}
    assert dana.get("/api/v1/live-sessions?ip=10.").get_json()["data"] == []
    assert dana.get("/api/v1/live-sessions?user=nobody").get_json()["data"] == []


def test_pages_of_sessions_meet(client_of, world):
    dana = client_of("dana")
    for _ in range(5):
        client_of("cleo")
    whole = [row["id"] for row in dana.get("/api/v1/live-sessions?limit=200").get_json()["data"]]
    seen, after = [], ""
    while after is not None:
        page = dana.get(f"/api/v1/live-sessions?limit=2&after={after}").get_json()
        seen += [row["id"] for row in page["data"]]
        after = page["next"]
    assert seen == whole


def test_foreign_and_random_sessions_are_404_alike(client_of):
    dana, mallory = client_of("dana"), client_of("mallory")
    for id in (mallory.signed_in["session_id"], "01a1fee4-d19d-7e82-9af6-9fcc261aeb14", "x"):
        assert dana.delete(f"/api/v1/live-sessions/{id}").status_code == 404
    assert mallory.get("/api/v1/users/me").status_code == 200


def test_a_receipt_is_its_own_tenants_alone(client_of):
    dana, alice, greta = client_of("dana"), client_of("alice"), client_of("greta")
    notice = dana.delete(f"/api/v1/live-sessions/{alice.signed_in['session_id']}").get_json()["data"]["revocation"]
    assert dana.get(f"/api/v1/revocations/{notice}").status_code == 200
    assert greta.get(f"/api/v1/revocations/{notice}").status_code == 404
    assert dana.get("/api/v1/revocations/01a1fee4-d19d-7e82-9af6-9fcc261aeb14").status_code == 404


def test_all_of_a_person_and_all_of_the_tenant(client_of, world):
    dana, first, second, cleo = client_of("dana"), client_of("bob"), client_of("bob"), client_of("cleo")
    mallory = client_of("mallory")
    ended = dana.post("/api/v1/live-sessions/revoke", json={"user_id": str(world.bob.id)}).get_json()["data"]
    assert ended["ended"] >= 2
    assert [c.get("/api/v1/users/me").status_code for c in (first, second, cleo)] == [401, 401, 200]
    assert dana.post("/api/v1/live-sessions/revoke", json={"all": True}).get_json()["data"]["ended"] >= 1
    assert cleo.get("/api/v1/users/me").get_json()["error"]["reason"] == "revoked_by_admin"
    assert [c.get("/api/v1/users/me").status_code for c in (dana, mallory)] == [200, 200]
    assert dana.post("/api/v1/live-sessions/revoke", json={}).status_code == 422


def test_who_may_not_see_or_end(client_of):
    alice = client_of("alice")
    assert alice.get("/api/v1/live-sessions").status_code == 403
    assert alice.post("/api/v1/live-sessions/revoke", json={"all": True}).status_code == 403
    assert client_of("dana").get("/api/v1/platform/live-sessions").status_code == 403


def test_the_platform_sees_and_ends_across_tenants(client_of, world, owner):
    petra, alice, mallory = client_of("petra"), client_of("alice"), client_of("mallory")
    found, after = {}, ""
    while after is not None:
        page = petra.get(f"/api/v1/platform/live-sessions?limit=100&after={after}").get_json()
        found.update({row["id"]: row for row in page["data"]})
        after = page["next"]
    assert found[mallory.signed_in["session_id"]]["email"] == world.mallory.email
    assert found[alice.signed_in["session_id"]]["tenant"]["slug"] == world.acme.slug
    ended = petra.delete(f"/api/v1/platform/live-sessions/{mallory.signed_in['session_id']}")
    assert ended.status_code == 200 and mallory.get("/api/v1/users/me").status_code == 401
    sent = {"tenant_id": str(world.acme.id), "user_id": str(world.alice.id)}
    assert petra.post("/api/v1/platform/live-sessions/revoke", json=sent).status_code == 200
    assert alice.get("/api/v1/users/me").status_code == 401
    kind = owner.execute(
        f"select actor->>'type' from {world.globex.schema}.audit_event where action = 'session.revoked'"
    ).fetchone()
    assert kind == ("platform",)


@pytest.mark.slow
def test_an_ended_session_leaves_every_process_within_a_second(server, socket_of, client_of, world, sign_in):
    two = server(processes=2)
    dana = two.http(sign_in("dana")["token"])
    sockets = [socket_of("alice", two) for _ in range(6)]
    rows = dana.get(f"/api/v1/live-sessions?user={world.alice.id}").json()["data"]
    assert len(rows) >= 6
    with promptly(1):
        ended = dana.post("/api/v1/live-sessions/revoke", json={"user_id": str(world.alice.id)}).json()["data"]
        for one in sockets:
            assert one.wait_for("session:revoked")["reason"] == "revoked_by_admin"
        path = f"/api/v1/revocations/{ended['revocations'][0]}"
        until(lambda: dana.get(path).json()["data"]["complete"])
    processes = [row for row in dana.get(path).json()["data"]["processes"] if row["state"] == "acknowledged"]
    assert len(processes) >= 2


@pytest.mark.slow
def test_a_role_change_reaches_an_open_socket(server, socket_of, world, sign_in):
    """F27: What somebody could watch a moment ago must stop coming, on whatever process their socket hangs."""
    two = server(processes=2)
    dana = two.http(sign_in("dana")["token"])
    assert dana.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["admin", "user"]}).status_code == 200
    bob = [socket_of("bob", two, namespace="/live") for _ in range(4)]
    for one in bob:
        assert one.wait_for("stats")["scope"] == "tenant"
    assert dana.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["auditor"]}).status_code == 200
    falls_silent("stats", bob, socket_of("dana", two, namespace="/live"))
    assert bob[0].ask("stats:now")["error"]["code"] == "denied"
    assert dana.put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["user"]}).status_code == 200
    assert bob[1].wait_for("session:revoked")["reason"] == "roles_changed"


@pytest.mark.slow
def test_a_process_that_does_not_answer_is_red(app, server, world, sign_in):
    """The answer must come from the other one, and say so, rather than pretend or hang."""
    two = server(processes=2, fresh=True)
    _until_they_beat(app, two)
    dana, alice = two.http(sign_in("dana")["token"]), sign_in("alice")
    frozen = two.pids()[0]
    os.kill(frozen, signal.SIGSTOP)
    try:
        path = f"/api/v1/live-sessions/{alice['session_id']}"
        notice = _tried(dana.delete, path).json()["data"]["revocation"]
        other = next(pid for pid in two.pids() if pid != frozen)

        def states():
            processes = _tried(dana.get, f"/api/v1/revocations/{notice}").json()["data"]["processes"]
            return {int(row["process"].split("-")[-2]): row["state"] for row in processes}

        until(lambda: (told := states()).get(frozen) == "red" and told.get(other) == "acknowledged", pause=0.2)
    finally:
        os.kill(frozen, signal.SIGCONT)


def _until_they_beat(app, server):
    receipts = app.extensions["onyx"].bus.receipts
    try:
        until(lambda: set(server.pids()) <= {int(name.split("-")[-2]) for name in receipts.alive()})
    except TimeoutError as error:
        raise TimeoutError(f"alive: {receipts.alive(600)}; {server.where()}\n{server.log()[-3000:]}") from error


def _tried(method, path):
    """The kernel may hand a connection to the frozen process: then again, on a new one."""
    for patience in (2, 4, 8, 16, 32, 64):
        try:
            return method(path, timeout=patience, headers={"Connection": "close"})
        except requests.exceptions.RequestException:
            continue
    raise AssertionError("nobody answered")
