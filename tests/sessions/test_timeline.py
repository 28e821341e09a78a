"""What administrators learn of a login session: sockets, chats and exports by their ids, never a title or a word (S4)."""

from __future__ import annotations

import time

from tests.waiting import PATIENT


def test_a_timeline_tells_of_sockets_chats_and_exports_by_id_alone(server, socket_of, sign_in, client_of, world):
    there = sign_in("alice")
    dana, petra, greta = client_of("dana"), client_of("petra"), client_of("greta")
    with server().http(there["token"]) as alice:
        chat = alice.post("/api/v1/sessions", json={"title": "secret plans"}).json()["data"]["id"]
        assert alice.get(f"/api/v1/sessions/{chat}/messages").status_code == 200
        assert alice.get(f"/api/v1/sessions/{chat}/export?format=md").status_code == 200
        assert alice.get("/api/v1/sessions/01a1fee4-d19d-7e82-9af6-9fcc261aeb14/messages").status_code == 404
    socket = socket_of("alice", server(), token=there["token"])
    assert socket.ask("session:join", {"sessionId": chat})["ok"]
    socket.disconnect()
    path = f"/api/v1/live-sessions/{there['session_id']}/timeline"
    lines = _until_it_tells(dana, path, "disconnect")
    found = {line["what"]: line for line in lines}
    assert {"session.created", "requests", "sockets", "connect", "disconnect", "chat", "export"} <= found.keys()
    assert (found["chat"]["object"], found["chat"]["times"]) == (chat, 2), "read over HTTP and joined on the socket"
    assert found["export"]["object"] == chat and found["connect"]["at"] < found["disconnect"]["at"]
    assert "secret plans" not in str(lines)
    everywhere = f"/api/v1/platform/live-sessions/{there['session_id']}/timeline"
    assert {line["what"] for line in petra.get(everywhere).get_json()["data"]} >= {"connect", "chat", "export"}
    named = petra.get(f"{everywhere}?tenant_id={world.globex.id}")
    assert [greta.get(path).status_code, dana.get(everywhere).status_code, named.status_code] == [404, 403, 404]


def _until_it_tells(client, path, what):
    """The access log is drained each second."""
    deadline = time.monotonic() + PATIENT
    while time.monotonic() < deadline:
        lines = client.get(path).get_json()["data"]
        if any(line["what"] == what for line in lines):
            return lines
        time.sleep(0.2)
    raise AssertionError(f"{what} is not in {lines}")
