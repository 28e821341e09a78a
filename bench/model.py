"""A local model server: OpenAI's streaming chat completion, 21 ms to the first of 32 tokens, 5 ms between the others.

Run as `python -m bench.model PORT`.
"""

import json
import sys
from socket import IPPROTO_TCP, TCP_NODELAY

import gevent
from gevent.server import StreamServer

FIRST, BETWEEN, TOKENS = 0.021, 0.005, 32
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def serve(socket: gevent.socket.socket, _address: object) -> None:
    """Answer every request on a kept-alive connection."""
    # As real ones do: else the kernel keeps the first token until the head is acknowledged, 40 ms after it.
    socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    file = socket.makefile("rb")
    while line := file.readline():
        length = 0
        while (line := file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        file.read(length)
        _stream(socket)


def _stream(socket: gevent.socket.socket) -> None:
    socket.sendall(HEAD)
    for number in range(TOKENS):
        gevent.sleep(BETWEEN if number else FIRST)
        delta = {"content": f"word{number} "} if number else {"role": "assistant", "content": "word0 "}
        socket.sendall(_chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    socket.sendall(_chunk(last) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def _chunk(data: object) -> bytes:
    return _framed(b"data: " + json.dumps(data).encode() + b"\n\n")


def _framed(text: bytes) -> bytes:
    return f"{len(text):x}\r\n".encode() + text + b"\r\n"


if __name__ == "__main__":
    StreamServer(("127.0.0.1", int(sys.argv[1])), serve).serve_forever()
