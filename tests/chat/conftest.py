"""What tests of chats share: sending over a socket, a count of statements, a small language model that misbehaves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import event

from tests.waiting import until

_NOT_OURS = ("set_config('onyx.context'", "revocation", "cache_generation")  # the scope's, and the control bus's own


def settled(http: Any, chat: str, reply: str) -> dict[str, Any]:
    """A reply once it is not pending any more, over the API."""

    def look() -> Any:
        answer = http.get(f"/api/v1/sessions/{chat}/messages?limit=500")
        data = answer.get_json()["data"] if hasattr(answer, "get_json") else answer.json()["data"]
        return next((m for m in data if m["id"] == reply and m["status"] != "pending"), None)

    found: dict[str, Any] = until(look)
    return found


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The server-sent events of a streamed answer."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


@pytest.fixture
def new_id() -> Callable[[], str]:
    return lambda: str(uuid4())


@pytest.fixture
def statements(app: Flask) -> Iterator[Callable[[], Any]]:
    """`with statements() as sent:` collects the SQL sent meanwhile, besides BEGIN, the scope's statement and COMMIT."""
    from onyx.core.db import db

    with app.app_context():
        engines = list(db.engines.values())

    @contextmanager
    def collect(mine: bool = False) -> Iterator[list[str]]:
        sent: list[str] = []
        asker = threading.get_ident()

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if mine and threading.get_ident() != asker:
                return  # an answer that is still being written down
            if not any(words in statement for words in _NOT_OURS):
                sent.append(" ".join(statement.split()))

        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", note)

    yield collect


class Model(ThreadingHTTPServer):
    """A language model on this machine. `mood`: answer, refuse, hang, drip, break, nonsense, or a status; `asked` keeps the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Speaker)
        self.reset()

    def reset(self) -> None:
        self.mood: str | int = "answer"
        self.words = ["The ", "answer ", "is ", "fourty-two ", "🙂."]
        self.pause = 0.0
        self.asked: list[dict[str, Any]] = []
        self.gone = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Speaker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if self.server.mood == "refuse":
            return self.send_error(500)
        if isinstance(self.server.mood, int):
            return self.send_error(self.server.mood)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.server.mood == "hang":
            self.server.gone.wait(600)
            self.close_connection = True
            return None
        while self.server.mood == "drip" and not self.close_connection and not self.server.gone.wait(0.2):
            self._chunk(": still thinking\n\n")
        if self.server.mood == "nonsense":
            self._chunk("data: <html>\n\n")
        for index, word in enumerate(self.server.words):
            if self.server.mood == "break" and index == 2:
                self.close_connection = True
                return None
            self._chunk(f"data: {json.dumps({'choices': [{'delta': {'content': word}}]})}\n\n")
            time.sleep(self.server.pause)
        self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")
        return None

    def _chunk(self, text: str) -> None:
        try:
            self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def log_message(self, *_anything: Any) -> None:
        return None


@pytest.fixture(scope="module")
def models() -> Iterator[Model]:
    made = Model()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.gone.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def model(models: Model) -> Iterator[Model]:
    """The model in a good mood; what it is told by one test is forgotten before the next."""
    models.reset()
    yield models
    models.gone.set()
