"""A renewed token and the sockets that were opened with the one before it (S2, F25)."""

from __future__ import annotations

from contextlib import suppress

from socketio.exceptions import TimeoutError

from tests.waiting import until


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
    with suppress(TimeoutError):  # it may be closed before the answer arrives
        socket.ask("typing:start", {"sessionId": there["session_id"]})
    until(lambda: not socket.connected)
    with serving.http(new) as client:
        assert client.get("/api/v1/users/me").status_code == 200
