"""Connections that this side has closed, and the other side would rather keep (F36)."""

import json
import os
import socket
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import websocket

from onyx.edge.live import push, user_room
from onyx.edge.unclaimed import EVERY, PATIENCE
from onyx.edge.wires import AT_ONCE, GRACE, SHARE, WAITING, Wire

PINGED_AFTER = 25  # seconds: the interval that onyx.edge.live sets
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


def test_it_ends_though_nobody_answers_the_close_frame(server, sign_in):
    """A stranger's, and that of somebody who signed out: their clocks run at once."""
    session = sign_in("alice")["token"]
    strangers, theirs = _connect(server()), _connect(server(), session)
    while not theirs.recv().startswith("40"):
        pass
    with server().http(session) as client:
        assert client.post("/api/v1/auth/logout").status_code == 200
    assert b"session:revoked" in _bytes_until_the_end(theirs)
    assert b"session:revoked" not in _bytes_until_the_end(strangers)
    assert server().alive()


def test_it_ends_for_somebody_who_sends_into_it(server, sign_in):
    """The library takes a connection for open again when a frame arrives while it says goodbye."""
    token = sign_in("alice")["token"]
    wire = _connect(server(), token)
    while not wire.recv().startswith("40"):
        pass
    with server().http(token) as client:
        assert client.post("/api/v1/auth/logout").status_code == 200
    deadline = time.monotonic() + PATIENCE + 2 * EVERY + GRACE + BUSY
    with pytest.raises(OSError):
        while time.monotonic() < deadline:
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


MEGABYTE = 1 << 20


def _frame(payload, first=0xC1, claims=None):
    """A masked text frame (RFC 6455, section 5.2), compressed (RFC 7692) unless `first` says otherwise; the mask is 0."""
    return struct.pack("!BBQ4x", first, 0xFF, claims or len(payload)) + payload


def _peak(process):
    """What a process has held at most, in bytes."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def test_a_message_without_end_is_cut_when_it_is_too_large(server, sign_in):
    wire = _connect(server(), sign_in("alice")["token"])
    with pytest.raises(OSError):
        wire.sock.sendall(_frame(b"", first=0x81, claims=1 << 40))
        for _ in range(16):
            wire.sock.sendall(b"a" * MEGABYTE)
    assert server().alive()


def test_a_message_that_grows_when_it_is_unpacked_is_cut_before(server):
    """A thousand bytes unpack to a million: what counts is how much they become."""
    before = max(map(_peak, server().pids()))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(300)) + packer.flush(zlib.Z_SYNC_FLUSH)
    wire = websocket.create_connection(
        server().url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket",
        header=["Sec-WebSocket-Extensions: permessage-deflate"], timeout=BUSY,
    )  # fmt: skip
    wire.sock.sendall(_frame(bomb[:-4]))
    _bytes_until_the_end(wire)
    assert max(map(_peak, server().pids())) - before < 64 * MEGABYTE
    assert server().alive()


def _spent(process):
    """Seconds of CPU that a process has used."""
    with open(f"/proc/{process}/stat") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def test_frames_that_are_no_messages_get_a_share_of_the_process(server, sign_in):
    """Pings are answered by the library, and are no events that anybody counts."""
    (worker,) = server().pids()
    wire = _connect(server())
    wire.sock.setblocking(False)
    pings = struct.pack("!BB4x", 0x89, 0x80) * 10_000
    before, began, took = _spent(worker), time.monotonic(), 0.0
    while (took := time.monotonic() - began) < 8:
        with suppress(BlockingIOError):
            wire.sock.send(pings)
        with suppress(BlockingIOError):
            wire.sock.recv(1 << 20)
    wire.close()
    assert _spent(worker) - before < AT_ONCE + SHARE * took + 2, "the rest is what a server does anyway"


def test_what_waits_for_somebody_who_does_not_read_is_bounded(app, server, sign_in, socket_of, world):
    """Else whoever opens sockets and reads none of them fills the memory of the process with what is said to them."""
    deaf, hearing = _connect(server(), sign_in("alice")["token"]), socket_of("bob", server())
    while not deaf.recv().startswith("40"):
        pass
    piece, pieces = WAITING // 16, 96  # six times of what may wait; the kernel's own buffers hold less than half
    with app.app_context():
        for _ in range(pieces):
            push(user_room(world.acme.id, world.alice.id), "noise", {"text": "a" * piece})
        push(user_room(world.acme.id, world.bob.id), "done", {})
    hearing.wait_for("done")
    came = _bytes_until_the_end(deaf)
    assert len(came) < piece * pieces * 3 // 4
    assert hearing.connected and server().alive()


@pytest.mark.parametrize(
    "begun", ['451000000000-["message:sent",{"_placeholder":true,"num":0}]', '46999-0["x"]', b"a part"]
)
def test_a_message_in_parts_is_not_waited_for(server, sign_in, begun):
    """Each part may be as large as a message, and of how many are kept until all are there the client decides."""
    wire = _connect(server(), sign_in("alice")["token"])
    while not wire.recv().startswith("40"):
        pass
    wire.settimeout(PINGED_AFTER - 5)  # it would end by itself, later
    (wire.send_binary if isinstance(begun, bytes) else wire.send)(begun)
    _bytes_until_the_end(wire)
    assert server().alive()
