"""A mail server of the tests' own on a real socket, small and strict (RFC 5321), that keeps what it is given."""

from __future__ import annotations

import email
import socketserver
import threading
from email.message import EmailMessage
from email.policy import default


class Mailbox:
    """`url`, `letters` in the order of arrival; `refuse = b"450 later"` lets it turn every receiver away."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuse: bytes | None = None
        box = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say(b"220 tests")
                while line := self.rfile.readline():
                    verb = line[:4].upper()
                    if verb == b"DATA":
                        self.say(b"354 go on")
                        box.letters.append(email.message_from_bytes(self.text(), policy=default))  # type: ignore[arg-type]
                    if verb == b"RCPT" and box.refuse:
                        self.say(box.refuse)
                    else:
                        self.say(b"221 bye" if verb == b"QUIT" else b"250 fine")
                    if verb == b"QUIT":
                        return

            def text(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                return b"".join(lines)

            def say(self, words: bytes) -> None:
                self.wfile.write(words + b"\r\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
