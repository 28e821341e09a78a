"""The TCP connection under a WebSocket: read in turns, written whole, and ended when this side has closed it.

Under gevent a socket that has data ready returns it without letting anybody else run, so one client that sends faster
than Python parses would have the process to itself; and `send` may write a part of a frame. A close frame only asks
the other side to hang up (RFC 6455, section 7.1.1): whoever ignores it would hold the connection for good. And a
message is collected before anybody looks at its size, while a thousand bytes may unpack to a million (RFC 7692). What is
to be sent waits in memory for whoever does not read; and so would the parts of a message that says it has many.
"""

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock
from typing import Any

from flask import Flask

from .proxies import Wsgi

GRACE = 2.0  # seconds for the goodbye to arrive
SHARE, AT_ONCE = 0.1, 0.2  # of a core, seconds of a core: what reading the frames of one connection may take
OF_STRANGERS = 0.25  # of a core: the same of all together on which nobody has shown a token yet
LONGEST = 2.0  # seconds that one waits who has used more, before the next bytes are read
WAITING = 4 << 20  # bytes that may wait for one connection, beside what is being sent on it
_OVERHEAD = 256  # bytes of memory that each packet takes at least
_IN_PARTS = ("5", "6")  # Socket.IO's BINARY_EVENT and BINARY_ACK
_WIRE = "gunicorn.socket"


class Allowance:
    """Time of a core that may be used: `at_once` seconds, and `share` of what passes."""

    def __init__(self, share: float, at_once: float) -> None:
        self._share, self._at_once = share, at_once
        self._spent, self._at = 0.0, time.monotonic()

    def wait(self, used: float) -> float:
        """How long to wait, in seconds, after so many were used."""
        now = time.monotonic()
        self._spent = max(0.0, self._spent - (now - self._at) * self._share) + used
        self._at = now
        return min(LONGEST, max(0.0, self._spent - self._at_once) / self._share)


_STRANGERS = Allowance(OF_STRANGERS, 1.0)


class Wire:
    """A connected socket, as far as a WebSocket uses one."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self._whole = Lock()
        self._bounds = [Allowance(SHARE, AT_ONCE), _STRANGERS]
        self._got: float | None = None  # when bytes came last, in this thread's time
        self._waiting = 0
        self.given_up = False

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes, after everybody else had their turn; none when the connection is over. Raises OSError."""
        used = time.thread_time() - self._got if self._got is not None else 0.0
        time.sleep(max([bound.wait(used) for bound in self._bounds]))
        data: bytes = self._plain.recv(size)
        self._got = time.thread_time()
        return data

    def send(self, data: bytes) -> int:
        """Write all of it, nothing else between; returns how many bytes that were. Raises OSError."""
        with self._whole:
            self._plain.sendall(data)
        return len(data)

    def may_wait(self, size: int, behind: bool) -> bool:
        """Whether so many bytes more may wait, `behind` others that do; this counts."""
        before = self._waiting if behind else 0
        self._waiting = before + size + _OVERHEAD
        return before <= WAITING

    def close(self) -> None:
        self._plain.close()

    def is_known(self) -> None:
        """Somebody has shown who they are."""
        self._bounds = self._bounds[:1]

    def cut(self) -> None:
        """End the connection both ways, whoever reads or writes on it; one that has ended is left alone."""
        with suppress(OSError):
            self._plain.shutdown(socket.SHUT_RDWR)


def install(app: Flask, server: Any, largest: int) -> None:
    """Put a Wire under each WebSocket, and end it when the Socket.IO server calls it over. Messages of more than
    `largest` bytes, unpacked, close it (1009) before they have come whole.
    """
    plain = server.eio._async["websocket"]

    def bounded(handler: Any, of: Any) -> Any:
        made = plain(handler, of)
        made.server_args["max_message_size"] = largest
        return made

    server.eio._async = {**server.eio._async, "websocket": bounded}
    app.wsgi_app = _wired(app.wsgi_app)  # type: ignore[assignment, method-assign]
    _bound_what_waits(server)
    _take_text_alone(server)
    over = server.eio.handlers["disconnect"]

    def over_and_out(id: str, *reason: Any) -> None:
        wire = of(server.environ.get(id, {}))
        try:
            over(id, *reason)
        finally:
            if wire is not None:
                server.start_background_task(_cut_later, wire)

    server.eio.handlers["disconnect"] = over_and_out


def hang_up(server: Any, id: str) -> None:
    """End a connection at once, without a word."""
    connection, wire = server.eio.sockets.get(id), of(server.environ.get(id, {}))
    if connection is not None:
        connection.close(wait=False, abort=True)
    if wire is not None:
        wire.cut()


def of(environ: dict[str, Any]) -> Wire | None:
    """The wire under a WSGI request; None where the web server keeps its socket to itself."""
    found = environ.get(_WIRE)
    return found if isinstance(found, Wire) else None


def _wired(inner: Wsgi) -> Wsgi:
    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _WIRE in environ and environ.get("PATH_INFO", "").startswith("/socket.io"):
            environ[_WIRE] = Wire(environ[_WIRE])
        return inner(environ, start_response)

    return serve


def _bound_what_waits(server: Any) -> None:
    """Give up whoever does not read what they are sent: their page comes back, and asks for what it missed."""
    send = server.eio.send_packet

    def send_bounded(id: str, packet: Any) -> None:
        connection, wire = server.eio.sockets.get(id), of(server.environ.get(id, {}))
        if connection is None or wire is None:
            return send(id, packet)
        if wire.given_up:
            return None
        if wire.may_wait(len(packet.data or ""), behind=not connection.queue.empty()):
            return send(id, packet)
        wire.given_up = True
        server.start_background_task(hang_up, server, id)  # not here: others are being sent the same
        return None

    server.eio.send_packet = send_bounded


def _take_text_alone(server: Any) -> None:
    """Nothing here is sent in parts: a message that begins with how many will follow would be kept until they all have."""
    receive = server.eio.handlers["message"]

    def receive_text(id: str, data: Any) -> Any:
        if isinstance(data, bytes) or (isinstance(data, str) and data.startswith(_IN_PARTS)):
            return hang_up(server, id)
        return receive(id, data)

    server.eio.handlers["message"] = receive_text


def _cut_later(wire: Wire) -> None:
    time.sleep(GRACE)
    wire.cut()
