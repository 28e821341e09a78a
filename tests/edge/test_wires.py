"""Connections that this side has closed, and the other side would rather keep (F36)."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import websocket

from onyx.edge.unclaimed import EVERY, PATIENCE
from onyx.edge.wires import GRACE, Wire

BUSY = 30  # seconds that a busy machine may take beyond what is promised


def _connect(server, token=None):
    address = server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    wire = websocket.create_connection(address, timeout=PATIENCE + 2 * EVERY + GRACE + BUSY)
    if token:
        wire.send("40" + json.dumps({"token": token}))
    return wire


def _bytes_until_the_end(wire):
    """What comes over the TCP connection until it ends; nothing is answered, a close frame neither."""
    came = b""
    try:
        while more := wire.sock.recv(65_536):
            came += more
    except ConnectionResetError:
        pass
    return came


@pytest.mark.parametrize("whose", ["a stranger's", "a signed-out person's"])
def test_it_ends_though_nobody_answers_the_close_frame(server, sign_in, whose):
    session = None if whose == "a stranger's" else sign_in("alice")["token"]
    wire = _connect(server(), session)
    if session:
        while not wire.recv().startswith("40"):
            pass
        with server().http(session) as client:
            assert client.post("/api/v1/auth/logout").status_code == 200
    came = _bytes_until_the_end(wire)
    assert (b"session:revoked" in came) is bool(session)
    assert server().alive()


def test_it_ends_for_somebody_who_sends_into_it(server, sign_in):
    """The library takes a connection for open again when a frame arrives while it says goodbye."""
    token = sign_in("alice")["token"]
    wire = _connect(server(), token)
    while not wire.recv().startswith("40"):
        pass
    with server().http(token) as client:
        assert client.post("/api/v1/auth/logout").status_code == 200
    until = time.monotonic() + PATIENCE + 2 * EVERY + GRACE + BUSY
    with pytest.raises(OSError):
        while time.monotonic() < until:
            wire.send('42["typing:start",{"sessionId":"x"}]')
            time.sleep(0.001)


def test_what_is_sent_arrives_whole_and_by_itself():
    """However slowly the other side reads, and though two send at once: half a frame would break the connection."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(BUSY)
    wire, much = Wire(ours), 4 << 20
    with theirs, ThreadPoolExecutor(2) as senders:
        sent = [senders.submit(wire.send, letter * much) for letter in (b"a", b"b")]
        came = b""
        while len(came) < 2 * much:
            came += theirs.recv(1 << 16)
        assert [one.result() for one in sent] == [much, much]
        wire.close()
    assert came in (b"a" * much + b"b" * much, b"b" * much + b"a" * much)
