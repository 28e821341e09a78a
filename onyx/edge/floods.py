"""Floods, stopped where they cost least: before anybody is asked who they are (G1, F36).

Handshakes: a few hundred a minute for each address, few at a time that nobody has claimed with a token yet; when all
places of strangers are taken, the oldest stranger makes room, so that people, who show their token at once, get in.
Frames: a connection that sends more than a person could is cut off.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from . import wires
from .counting import Counts
from .proxies import Wsgi, neighbourhood

HANDSHAKES = 600  # a minute and address
STRANGERS = 800  # connections of one process on which nobody has shown a token yet
STRANGERS_EACH = 64  # the same of one address
FRAMES = 100  # a second and connection, over a while
BURST = 400
_KNOWN = "onyx.stranger"


@dataclass(slots=True, eq=False)
class Stranger:
    """A connection whose person is not known yet."""

    address: str
    wire: wires.Wire | None
    since: float = field(default_factory=time.monotonic)


class Doorway:
    """Middleware around Socket.IO's path: lets strangers in as far as there is room."""

    def __init__(self, inner: Wsgi, counts: Counts) -> None:
        self._inner = inner
        self._counts = counts
        self._strangers: dict[Stranger, None] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith("/socket.io"):
            return self._inner(environ, start_response)
        stranger = Stranger(neighbourhood(environ.get("REMOTE_ADDR", "")), wires.of(environ))
        if not self._may_enter(stranger):
            return _too_many(start_response)
        self._strangers[stranger] = None
        environ[_KNOWN] = lambda: self._strangers.pop(stranger, None)
        try:
            return self._inner(environ, start_response)  # returns when the connection is over
        finally:
            self._strangers.pop(stranger, None)

    def _may_enter(self, stranger: Stranger) -> bool:
        if self._counts.add(f"onyx:handshakes:{stranger.address}", 60) > HANDSHAKES:
            return False
        if sum(other.address == stranger.address for other in self._strangers) >= STRANGERS_EACH:
            return False
        if len(self._strangers) >= STRANGERS:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            if oldest.wire is not None:
                oldest.wire.cut()
        return True

    def __len__(self) -> int:
        return len(self._strangers)


def install(app: Flask, server: Any, counts: Counts) -> None:
    """Guard the sockets of an application."""
    app.wsgi_app = app.extensions["onyx.doorway"] = Doorway(app.wsgi_app, counts)  # type: ignore[method-assign]
    receive = server.eio.handlers["message"]

    def receive_bounded(id: str, data: Any) -> Any:
        connection = server.eio.sockets.get(id)
        if connection is None or _within(connection.session):
            return receive(id, data)
        return wires.hang_up(server, id)

    server.eio.handlers["message"] = receive_bounded


def is_known(environ: dict[str, Any]) -> None:
    """Somebody showed who they are on this connection: it is no stranger's any more."""
    environ.get(_KNOWN, lambda: None)()
    wire = wires.of(environ)
    if wire is not None:
        wire.is_known()


def _within(session: dict[str, Any]) -> bool:
    """Take one from the connection's bucket, which fills by FRAMES a second up to BURST; whether there was one."""
    now = time.monotonic()
    left, at = session.get("onyx.frames", (float(BURST), now))
    left = min(float(BURST), left + (now - at) * FRAMES) - 1
    session["onyx.frames"] = (left, now)
    return bool(left >= 0)


def _too_many(start_response: Callable[..., Any]) -> list[bytes]:
    error = {"code": "too_many", "message": "Too many connections from here. Try again a little later."}
    body = json.dumps({"success": False, "error": error}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Retry-After", "10")]
    start_response("429 Too Many Requests", headers)
    return [body]
