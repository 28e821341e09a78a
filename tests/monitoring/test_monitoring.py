"""Live numbers: of the own tenant alone, each second, from every process (M1)."""

import time

import pytest

from tests.waiting import until


def test_the_percentile_is_the_bound_of_its_class():
    from onyx.monitoring.counters import percentile

    classes = {"b0": 50, "b3": 45, "b7": 5}
    assert (percentile(classes, 0.5), percentile(classes, 0.95), percentile(classes, 0.99)) == (1.0, 10.0, 200.0)
    assert percentile({}, 0.5) is None


@pytest.mark.slow
def test_each_tenant_sees_its_own_numbers_each_second(server, socket_of, sign_in, world):
    two, began = server(processes=2), time.monotonic()
    dana, greta = socket_of("dana", two, namespace="/live"), socket_of("greta", two, namespace="/live")
    alices = [two.http(sign_in("alice")["token"]) for _ in range(3)]
    for _ in range(10):
        for alice in alices:
            alice.get("/api/v1/users/me")
    alices[0].get("/api/v1/users")

    def stats(socket):
        return [payload for event, payload in list(socket.heard) if event == "stats"]

    def all_told():
        told = stats(dana)
        return len(told) >= 3 and told[-1]["denied"] == 1 and max(one["requests_per_second"] for one in told) > 0

    until(all_told)
    told = stats(dana)
    assert len(told) <= 2 + (time.monotonic() - began), "each second, and not more often"
    assert {one["scope"] for one in told} == {"tenant"}
    assert told[-1]["active_sessions"] >= 4 and told[-1]["sockets"] == 1
    until(lambda: len(stats(greta)) >= 2)
    others = stats(greta)
    assert others[-1]["denied"] == 0 and max(one["requests_per_second"] for one in others) <= 1


@pytest.mark.slow
def test_administrators_hear_of_sign_ins_of_their_own_tenant(server, socket_of, world):
    two = server(processes=2)
    dana, greta = socket_of("dana", two, namespace="/live"), socket_of("greta", two, namespace="/live")
    sent = {"email": world.bob.email, "password": world.bob.password}
    opened = two.http().post("/api/v1/auth/login", json=sent).json()["data"]
    assert dana.wait_for("login_session:opened")["id"] == opened["session_id"]
    two.http(opened["token"]).post("/api/v1/auth/logout")
    assert dana.wait_for("login_session:closed")["id"] == opened["session_id"]
    assert [event for event, _ in greta.heard if event.startswith("login_session")] == []


@pytest.mark.slow
def test_who_may_watch_nothing_is_not_let_in(server, socket_of):
    import socketio

    with pytest.raises(socketio.exceptions.ConnectionError):
        socket_of("alice", server(processes=2), namespace="/live")


def test_the_summary_needs_permission(client_of):
    assert client_of("alice").get("/api/v1/monitoring/summary").status_code == 403
    assert client_of("dana").get("/api/v1/platform/monitoring/summary").status_code == 403
    assert client_of("dana").get("/api/v1/monitoring/summary").get_json()["data"]["scope"] == "tenant"
