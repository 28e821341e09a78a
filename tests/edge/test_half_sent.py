"""Requests that are never finished, handshakes that nobody follows up, heads and bodies without end (G1, G5, F36)."""

from __future__ import annotations

import json
import socket
import statistics
import time
from contextlib import ExitStack, suppress

import pytest
import websocket

from config.patience import BODY_SECONDS, HEAD_SECONDS
from onyx.edge import unclaimed
from onyx.edge.floods import BURST, FRAMES, STRANGERS_EACH
from tests.server import Server
from tests.waiting import PATIENT, until

CROWD = 300
SOONER = 6  # seconds of patience that tests/edge/impatient.py has
CUT_WITHIN = 2 * SOONER + 30  # the rest is a busy machine's
ME = "/api/v1/users/me"
HEAD = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HALVES = [b"", b"GET /login HT", HEAD + b"X-Slow: ", HEAD + b"Content-Length: 500\r\n\r\n" + b'{"email": "a',
          HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"]  # fmt: skip


@pytest.fixture
def open_wire(server):
    """A plain TCP connection to the server."""
    with ExitStack() as stack:

        def connect(target=None):
            wire = socket.create_connection(("127.0.0.1", (target or server()).port), timeout=PATIENT)
            stack.callback(wire.close)
            return wire

        yield connect


def _times(server, token, many=30):
    """The median of what requests take, one after the other."""
    found = []
    with server.http(token) as client:
        for _ in range(many):
            began = time.perf_counter()
            assert client.get(ME).status_code == 200
            found.append(time.perf_counter() - began)
    return statistics.median(found)


@pytest.fixture
def impatient(serving, var):
    """A server whose clocks for what clients have begun are short; else it is as all are."""
    made = Server({**serving, "SOONER": str(SOONER)}, var, application="tests.edge.impatient:app")
    yield made
    made.stop()


def test_hundreds_of_half_sent_requests_keep_nobody_and_are_cut(impatient, open_wire, sign_in):
    """The clocks of all run at once, so the whole crowd is gone after little more than one of them."""
    assert HEAD_SECONDS + BODY_SECONDS <= 30, "where it is served to people"
    token, crowd = sign_in("alice")["token"], []
    before = _times(impatient, token)
    for number in range(CROWD):
        crowd.append(open_wire(impatient))
        crowd[-1].sendall(HALVES[number % len(HALVES)])
    began = time.monotonic()
    assert _times(impatient, token) < 10 * before + 0.1
    for wire in crowd:
        _until_cut(wire, began + CUT_WITHIN)
    assert time.monotonic() - began < CUT_WITHIN
    assert impatient.alive()


def _until_cut(wire, deadline):
    with suppress(ConnectionError):
        while True:
            wire.settimeout(max(0.1, deadline - time.monotonic()))
            if not wire.recv(65536):
                return


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /login HTTP/1.1\r\nHost: x\r\nX-Much: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /login HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(500)) + b"\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
    ],
)
def test_heads_and_bodies_without_end_get_an_error_that_can_be_read(server, open_wire, sent, status):
    wire = open_wire()
    with suppress(ConnectionError):
        wire.sendall(sent)
    answer = b""
    with suppress(OSError):
        while data := wire.recv(65536):
            answer += data
            if b"\r\n\r\n" in answer and answer.rstrip().endswith(b"}"):
                break
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status, answer
    told = json.loads(body)["error"]
    assert told["code"] and told["message"] and told["request_id"].encode() in head
    assert server().alive()


def test_no_answer_says_what_serves_it(server):
    with server().http() as client:
        assert "gunicorn" not in str(client.get("/login").headers).lower()


# -- sockets, before anybody has said who they are


@pytest.fixture
def guarded(server):
    """A server with its limits on."""
    return server(fresh=True, RATE_LIMITS="true")


def _handshake(server):
    address = server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    return websocket.create_connection(address, timeout=PATIENT)


def test_a_flood_of_connections_and_frames_is_bounded(guarded, socket_of):
    """One address gets so many places for strangers, told with 429 beyond; people it has let in stay and are answered."""
    inside = socket_of("alice", guarded)
    strangers, refused = until(lambda: _crowd_of_strangers(guarded), pause=3)
    assert len(strangers) == STRANGERS_EACH and refused == 20
    assert inside.ask("session:join", {"sessionId": "x"})["ok"] is False
    _flood(strangers.pop())
    for one in strangers:
        one.close()
    until(lambda: _there_is_room(guarded), pause=0.5)
    assert socket_of("bob", guarded).connected
    assert inside.connected and guarded.alive()


def _crowd_of_strangers(server):
    """Those who came in, and how many did not; None when it took so long that the first ones were sent away again."""
    began, strangers, refused = time.monotonic(), [], 0
    for _ in range(STRANGERS_EACH + 20):
        try:
            strangers.append(_handshake(server))
        except websocket.WebSocketBadStatusException as error:
            assert error.status_code == 429 and error.resp_headers["retry-after"]
            refused += 1
    if time.monotonic() - began < unclaimed.PATIENCE:
        return strangers, refused
    for one in strangers:
        one.close()
    return None


def _there_is_room(server):
    try:
        _handshake(server).close()
    except websocket.WebSocketBadStatusException:
        return False
    return True


def _flood(wire):
    """A stranger sends frames without end: after the burst that a connection has, it is cut."""
    assert wire.recv().startswith("0")
    with pytest.raises((websocket.WebSocketException, OSError)):
        for _ in range(20 * BURST):
            wire.send('42["message:sent",{}]')
        while True:
            wire.recv()


def test_somebody_who_floods_events_is_told_and_then_cut_off(guarded, socket_of, sign_in):
    """First the acknowledgement says when to come back, then the connection ends, also for a client that listens to
    nothing; others do not notice.
    """
    quiet, loud = socket_of("bob", guarded), _handshake(guarded)
    loud.send("40" + json.dumps({"token": sign_in("alice")["token"]}))
    refused = []
    while not refused:  # the windows of the limit are whole minutes
        for number in range(BURST - 100):
            loud.send(f'42{number}["typing:start",{{"sessionId":"x"}}]')
        errors = [answer["error"] for answer in _acknowledged(loud, BURST - 100)]
        refused = [error for error in errors if error["code"] == "too_many"]
        time.sleep(BURST / FRAMES)
    assert all(error["retry"] and error["retryAfter"] > 0 for error in refused)
    frames = websocket.ABNF.create_frame('42["typing:start",{"sessionId":"x"}]', websocket.ABNF.OPCODE_TEXT).format()
    with pytest.raises(OSError):  # and soon, though frames come faster than Python can read them
        for _ in range(500):
            loud.sock.sendall(frames * 2000)
    assert quiet.ask("session:join", {"sessionId": "x"})["ok"] is False
    assert guarded.alive()


def _acknowledged(wire, count):
    """The answers to that many events."""
    answers = []
    while len(answers) < count:
        frame = wire.recv()
        if frame.startswith("43"):
            answers.append(json.loads(frame[frame.index("[") :])[0])
        elif frame == "2":
            wire.send("3")
    return answers
