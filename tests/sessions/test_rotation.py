"""A renewed token and the sockets that were opened with the one before it (S2, F25)."""

from __future__ import annotations

import websocket

from tests.waiting import PATIENT, promptly, until


def test_a_socket_with_a_replaced_token_is_dropped_and_the_session_lives(server, socket_of, sign_in, owner, world):
    """Its token lies in the server since before: using it is no sign of a thief."""
    there = sign_in("alice")
    serving = server()
    socket = socket_of("alice", serving, token=there["token"])
    with serving.http(there["token"]) as client:
        new = client.post("/api/v1/auth/refresh").json()["data"]["token"]
    assert socket.wait_for("session:renewed") == {}, "pages are told at once, and connect anew"
    assert socket.ask("typing:start", {"sessionId": there["session_id"]})["ok"] is True, "within the grace"
    owner.execute(
        f"update {world.acme.schema}.login_session set rotated_at = now() - interval '11 seconds' where id = %s",
        [there["session_id"]],
    )
    with promptly(5):
        socket.emit("typing:start", {"sessionId": there["session_id"]})  # it may be closed before an answer arrives
        until(lambda: not socket.connected)
    with serving.http(new) as client:
        assert client.get("/api/v1/users/me").status_code == 200


def test_one_that_says_nothing_hears_nothing_any_more_when_the_grace_is_over(server, socket_of, sign_in):
    """Whoever took a copy of the old token would go on listening with it, on any process, without ever asking."""
    there, serving = sign_in("alice"), server(processes=2)
    thieves = [socket_of("alice", serving, token=there["token"]) for _ in range(4)]
    with serving.http(there["token"]) as client:
        new = client.post("/api/v1/auth/refresh").json()["data"]["token"]
    own = socket_of("alice", serving, token=new)
    assert all(thief.connected for thief in thieves), "within the grace"
    until(lambda: not any(thief.connected for thief in thieves))
    assert own.connected and own.ask("typing:start", {"sessionId": there["session_id"]})["ok"] is True


def test_who_comes_back_on_a_connection_from_before_is_no_thief(server, sign_in, owner, world):
    """A page's second try goes over the same connection, with the cookie of then; the session must survive that."""
    there, serving = sign_in("alice"), server()
    address = serving.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    cookie = f"onyx_session={there['token']}"
    wire = websocket.create_connection(address, cookie=cookie, origin=serving.url, timeout=PATIENT)
    wire.send("40")
    while not wire.recv().startswith("40"):
        pass
    with serving.http(there["token"]) as client:
        new = client.post("/api/v1/auth/refresh").json()["data"]["token"]
    owner.execute(
        f"update {world.acme.schema}.login_session set rotated_at = now() - interval '11 seconds' where id = %s",
        [there["session_id"]],
    )
    wire.send("41")
    wire.send("40")
    while not (answer := wire.recv()).startswith("44"):
        pass
    assert "renewed" in answer
    wire.close()
    with serving.http(new) as client:
        assert client.get("/api/v1/users/me").status_code == 200
