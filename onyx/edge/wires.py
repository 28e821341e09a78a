"""The TCP connection under a WebSocket: read in turns, written whole, and ended when this side has closed it.

Under gevent a socket that has data ready returns it without letting anybody else run, so one client that sends faster
than Python parses would have the process to itself; and `send` may write a part of a frame. A close frame only asks
the other side to hang up (RFC 6455, section 7.1.1): whoever ignores it would hold the connection for good.
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
PACE = 1 << 20  # bytes a second that a connection may send, over a while; beyond it, it waits
AT_ONCE = 4 << 20
_WIRE = "gunicorn.socket"


class Wire:
    """A connected socket, as far as a WebSocket uses one."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self._whole = Lock()
        self._left, self._at = float(AT_ONCE), time.monotonic()

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes, after everybody else had their turn; none when the connection is over. Raises OSError."""
        now = time.monotonic()
        self._left, self._at = min(float(AT_ONCE), self._left + (now - self._at) * PACE), now
        time.sleep(max(0.0, -self._left / PACE))
        data: bytes = self._plain.recv(size)
        self._left -= len(data)
        return data

    def send(self, data: bytes) -> int:
        """Write all of it, nothing else between; returns how many bytes that were. Raises OSError."""
        with self._whole:
            self._plain.sendall(data)
        return len(data)

    def close(self) -> None:
        self._plain.close()

    def cut(self) -> None:
        """End the connection both ways, whoever reads or writes on it; one that has ended is left alone."""
        with suppress(OSError):
            self._plain.shutdown(socket.SHUT_RDWR)


def install(app: Flask, server: Any) -> None:
    """Put a Wire under each WebSocket, and end it when the Socket.IO server calls it over."""
    app.wsgi_app = _wired(app.wsgi_app)  # type: ignore[assignment, method-assign]
    over = server.eio.handlers["disconnect"]

    def over_and_out(id: str, *reason: Any) -> None:
        wire = of(server.environ.get(id, {}))
        try:
            over(id, *reason)
        finally:
            if wire is not None:
                server.start_background_task(_cut_later, wire)

    server.eio.handlers["disconnect"] = over_and_out


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


def _cut_later(wire: Wire) -> None:
    time.sleep(GRACE)
    wire.cut()
