"""gunicorn's gevent worker, with an end to its patience: half-sent requests are cut, and few hold many places.

gunicorn itself waits `keepalive` seconds for a request's head, and for ever for its body. Here a body must come at a
pace that a slow phone keeps, and when too many connections wait to say something, the one that waits longest makes
room for the next. What is refused here is told in the same words as everything else.
"""

import errno
import json
import re
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gevent
import gunicorn.http.wsgi
from gevent.util import format_run_info
from gunicorn import util
from gunicorn.workers.ggevent import GeventWorker

from config.patience import AT_A_TIME, BODY_PACE, BODY_SECONDS, HEAD_SECONDS, WAITING

_A_PLACE = re.compile(r'[ :|]*(File ".*", line \d+, in [\w<>]+|Running:|Spawned at:|\+---)')
gunicorn.http.wsgi.SERVER = "Onyx"  # which server it is, and which version, is nobody's business


class SlowBody(OSError):
    """The body of a request did not come in time; the application sees a client that is gone."""


class TimedBody:
    """A request's body that must come in time: what it says to be, or each part of it in turn."""

    def __init__(self, body: Any, length: int | None) -> None:
        self._body = body
        self._known = length is not None
        self._left = BODY_SECONDS + (length or 0) / BODY_PACE

    def read(self, size: int | None = None) -> bytes:
        return self._timed(self._body.read, size)

    def readline(self, size: int | None = None) -> bytes:
        return self._timed(self._body.readline, size)

    def readlines(self, size: int | None = None) -> list[bytes]:
        return self._timed(self._body.readlines, size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _timed(self, work: Callable[..., Any], size: int | None) -> Any:
        began = time.monotonic()
        more = 0.0 if self._known else min(size or AT_A_TIME, AT_A_TIME) / BODY_PACE
        found: Any = b""
        try:
            with gevent.Timeout(max(0.01, self._left + more), SlowBody(errno.ECONNRESET, "the body came too slowly")):
                found = work(size)
        finally:
            earned = 0.0 if self._known else sum(map(len, found if isinstance(found, list) else [found])) / BODY_PACE
            self._left += earned - (time.monotonic() - began)
        if len(found) >= AT_A_TIME:
            gevent.sleep(0)  # bytes that are there already are read without a pause: let others have a turn
        return found


class Worker(GeventWorker):
    """A worker that serves others while some never finish what they say."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._waiting: dict[Any, Any] = {}

    def load_wsgi(self) -> None:
        """gunicorn counts a worker's patience from its first sign of life: given here, a worker that never finishes
        loading is ended and begun anew as well.
        """
        self.notify()
        super().load_wsgi()

    def handle_abort(self, sig: int, frame: Any) -> None:
        """The master lost patience: say where everything stands, and end. Lines of code alone: gevent would tell
        arguments as well, in which there may be what somebody has written.
        """
        told = "\n".join(format_run_info()).splitlines()
        sys.stderr.write("".join(f"{found.group()}\n" for line in told if (found := _A_PLACE.match(line))))
        super().handle_abort(sig, frame)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        gevent.getcurrent().wire = client
        super().handle(listener, client, addr)

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around the reading of each request's head: ends without a word when it takes too long."""
        me = gevent.getcurrent()
        if len(self._waiting) >= WAITING:
            self._cut(next(iter(self._waiting)))
        self._waiting[me] = me.wire
        try:
            with gevent.Timeout(HEAD_SECONDS, False):
                yield
        finally:
            self._waiting.pop(me, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        if req.body is not None:
            req.body = TimedBody(req.body, _length(req))
        super().handle_request(listener_name, req, sock, addr)

    def _cut(self, oldest: Any) -> None:
        wire = self._waiting.pop(oldest)
        with suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)


def _length(req: Any) -> int | None:
    found = next((value for name, value in req.headers if name == "CONTENT-LENGTH"), "")
    return min(int(found), 1 << 30) if found.isdigit() else None


def _write_error(sock: Any, status: int, reason: str, _message: str) -> None:
    """What cannot be read as a request at all, told as everything else is (CONTRACT, HTTP)."""
    id = uuid.uuid4().hex
    error = {"code": reason.lower().replace(" ", "_"), "message": reason, "request_id": id}
    body = json.dumps({"success": False, "error": error})
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"X-Request-ID: {id}\r\nCache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, (head + body).encode())


util.write_error = _write_error
