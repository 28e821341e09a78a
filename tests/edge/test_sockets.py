"""Sockets: who may open one, what hostile events do (nothing), and that the process lives on."""

from __future__ import annotations

import json

import pytest
import socketio
import websocket

from onyx.edge.live import EVENTS, LARGEST_EVENT
from onyx.edge.unclaimed import EVERY, PATIENCE
from tests.server import Socket, hang_up
from tests.waiting import until

PAYLOADS = [None, 1, "text", [], [[]], {}, {"content": None}, {"content": 5}, {"content": "a\x00b"}, {"content": "\ud800"},
            {"content": "x" * 100_000}, {"sessionId": "nonsense"}, {"sessionId": {"$ne": None}}, {"messageId": "x", "sessionId": []},
            {"clientId": "x" * 1000, "content": "x"}, {"a": {"b": {"c": [1, 2, {"d": "e"}]}}}, True, {"content": "x", "parentId": 1.5e308}]  # fmt: skip
FRAMES = ["", "4", "42", "42[", "42[]", "42[1]", '42["no:such:event",{}]', '42["message:sent"]', '42["message:sent",1,2,3,4]', "99999", "2probe",
          '42/nowhere,["x"]', '451-["x",{"_placeholder":true,"num":0}]', "41", "40", '40{"token":"x"}', "43[]", '430["x"]', "b" + "A" * 999,
          '42["connect",{}]', '42["disconnect"]', "4" * 5000, '42["' + "a" * 5000 + '"]', '42' + "[" * 3000]  # fmt: skip


@pytest.mark.parametrize(
    "auth",
    [None, {}, {"token": ""}, {"token": "nonsense"}, {"token": None}, {"token": 5}, {"token": ["x"]}, [], "x", 7],
)
def test_nobody_opens_a_socket(server, auth):
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server().url, transports=["websocket"], auth=auth, wait_timeout=60)
    hang_up(client)
    assert server().alive()


def test_a_socket_by_cookie_needs_our_origin(server, sign_in):
    token = sign_in("alice")["token"]
    address = server().url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    with pytest.raises(websocket.WebSocketException):
        websocket.create_connection(address, cookie=f"onyx_session={token}", origin="https://evil.example", timeout=60)
    wire = websocket.create_connection(address, cookie=f"onyx_session={token}", origin=server().url, timeout=60)
    assert wire.recv().startswith("0")
    wire.send("40")
    assert wire.recv().startswith('40{"sid"')
    wire.close()


def test_long_polling_is_closed(server):
    with server().http() as client:
        assert client.get("/socket.io/?EIO=4&transport=polling").status_code == 400


def test_hostile_payloads_get_a_refusal_and_harm_nobody(app, server, socket_of):
    assert len(EVENTS) >= 5
    watchers = {"monitoring:read": "dana", "tenants:read": "petra", "audit:read": "carol"}
    for namespace, event in EVENTS:
        name = watchers.get(EVENTS[namespace, event].permission, "alice")
        socket = socket_of(name, server(), namespace)
        for payload in PAYLOADS:
            if not socket.connected:
                socket = socket_of(name, server(), namespace)
            answer = socket.ask(event, payload)
            refused = ("invalid", "not_found", "conflict", "too_large", "too_many", "denied")
            assert answer["ok"] is True or answer["error"]["code"] in refused, (event, payload, answer)
    assert server().alive() and '"defect"' not in server().log(), server().log()[-3000:]


def test_events_that_one_may_not_send_are_refused(server, socket_of):
    carol = socket_of("carol", server())
    answer = carol.ask("message:sent", {"content": "hello"})
    assert answer["ok"] is False and answer["error"]["code"] == "denied"
    with pytest.raises(socketio.exceptions.ConnectionError):
        socket_of("alice", server(), "/live")


def test_frames_that_are_no_protocol(server, sign_in):
    address = server().url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    for frame in FRAMES:
        wire = websocket.create_connection(address, timeout=60)
        wire.recv()
        wire.send("40" + json.dumps({"token": sign_in("alice")["token"]}) if frame.startswith("42") else "40")
        wire.send(frame)
        wire.close()
    assert server().alive()
    with server().http(sign_in("alice")["token"]) as client:
        assert client.get("/api/v1/users/me").status_code == 200


@pytest.mark.parametrize("event", ["disconnect", "connect"])
def test_a_socket_cannot_hide_from_its_revocation(server, socket_of, sign_in, event):
    """An event that a client names `disconnect` is an event, not a goodbye."""
    there = sign_in("alice")
    socket = socket_of("alice", server(), token=there["token"])
    socket.emit(event, {}, namespace="/")
    assert socket.ask("typing:start", {"sessionId": "x"}) is not None
    with server().http(sign_in("alice")["token"]) as by:
        assert by.delete(f"/api/v1/auth/sessions/{there['session_id']}").status_code == 200
    assert socket.wait_for("session:revoked") == {"reason": "revoked_by_you"}


def test_an_event_that_is_too_large_costs_only_its_own_socket(server, socket_of):
    big, small = socket_of("alice", server()), socket_of("bob", server())
    big.emit("message:sent", {"content": "x" * (LARGEST_EVENT + 1000)})
    until(lambda: not big.connected)
    assert small.connected and small.ask("typing:start", {"sessionId": "nonsense"}) is not None
    assert server().alive()


def test_the_wire_shows_no_token(server, sign_in):
    """Nothing that a server writes down holds a token."""
    token = sign_in("alice")["token"]
    Socket(server(), token).disconnect()
    assert token not in server().log()


def test_a_connection_on_which_nobody_says_who_they_are_is_closed(server, socket_of):
    """Strangers would use up all that a process can hold, without ever showing a token."""
    address = server().url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    stranger = websocket.create_connection(address, timeout=60 + PATIENCE + 3 * EVERY)
    somebody = socket_of("alice", server())
    assert stranger.recv().startswith("0")
    with pytest.raises((websocket.WebSocketException, OSError)):
        while stranger.recv():
            stranger.send("3")
        raise websocket.WebSocketConnectionClosedException
    assert somebody.connected and server().alive()
