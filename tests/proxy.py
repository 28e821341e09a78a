"""A TCP proxy before a real server: passes everything on, late if asked to, or is not there at all."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from queue import Queue
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """`url` leads to the same Redis as the one that was given; `late` seconds later each way back, `gone` not at all."""

    def __init__(self, url: str) -> None:
        self.direct = url
        self._parts = urlsplit(url)
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._stopped = False
        self.late = 0.0
        self.port = self._listen(0)
        host = f"127.0.0.1:{self.port}"
        login = f":{self._parts.password}@" if self._parts.password else ""
        self.url = urlunsplit(("redis", login + host, "/0", "", ""))

    def _listen(self, port: int) -> int:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=200)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return int(self._listener.getsockname()[1])

    def go(self) -> None:
        """Be gone: no new connections, and the open ones are cut."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        """Listen on the same port again."""
        if self._listener is None:
            self._listen(self.port)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = self._connect()
            except OSError:
                return
            self._open |= {client, server}
            waiting: Queue[tuple[float, bytes]] = Queue()
            for work, parts in (
                (self._pass_on, (client, server)),
                (self._read, (server, waiting)),
                (self._answer, (waiting, client)),
            ):
                threading.Thread(target=work, args=parts, daemon=True).start()

    def _connect(self) -> socket.socket:
        if self._parts.scheme == "unix":
            made = socket.socket(socket.AF_UNIX)
            made.connect(self._parts.path)
            return made
        return socket.create_connection((self._parts.hostname or "127.0.0.1", self._parts.port or 6379))

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        self._close(client, server)

    def _read(self, server: socket.socket, waiting: Queue[tuple[float, bytes]]) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                waiting.put((time.monotonic() + self.late, data))
        waiting.put((0.0, b""))

    def _answer(self, waiting: Queue[tuple[float, bytes]], client: socket.socket) -> None:
        with suppress(OSError):
            while True:
                at, data = waiting.get()
                if not data:
                    break
                time.sleep(max(0.0, at - time.monotonic()))
                client.sendall(data)
        self._close(client)

    def _close(self, *ends: socket.socket) -> None:
        for end in ends:
            self._open.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
