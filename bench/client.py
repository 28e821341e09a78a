"""The load generator, in a process of its own: reads one job as JSON from stdin, writes what it saw as JSON.

A job is `{"port", "requests": [text, …], "count", "together", "until"}`: each request is sent as it stands, in turn, on
`together` kept-alive connections until `count` answers came. `until` names the server-sent event whose time counts.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402


def main() -> None:
    """Do the job, then tell: seconds, answers, latencies in ms, statuses that were not 2xx."""
    job = json.load(sys.stdin)
    left = iter(range(job["count"]))
    seen: dict[str, Any] = {"latencies": [], "wrong": []}
    began = time.perf_counter()
    gevent.joinall([gevent.spawn(_work, job, left, seen) for _ in range(job["together"])], raise_error=True)
    json.dump({**seen, "seconds": time.perf_counter() - began, "count": job["count"]}, sys.stdout)


def _work(job: dict[str, Any], left: Any, seen: dict[str, Any]) -> None:
    connection = socket.create_connection(("127.0.0.1", job["port"]))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    file = connection.makefile("rb")
    mark = f"event: {job['until']}\n".encode() if job.get("until") else None
    for number in left:
        began = time.perf_counter()
        connection.sendall(job["requests"][number % len(job["requests"])].encode())
        status, first = _answer(file, mark)
        seen["latencies"].append(((first or time.perf_counter()) - began) * 1000)
        if not 200 <= status < 300:
            seen["wrong"].append(status)
    connection.close()


def _answer(file: Any, mark: bytes | None) -> tuple[int, float | None]:
    status = int(file.readline().split()[1])
    length, chunked = 0, False
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.lower().partition(b":")
        if name == b"content-length":
            length = int(value)
        chunked = chunked or name == b"transfer-encoding"
    if not chunked:
        file.read(length)
        return status, None
    first = None
    while size := int(file.readline(), 16):
        piece = file.read(size + 2)
        if first is None and mark is not None and mark in piece:
            first = time.perf_counter()
    file.readline()
    return status, first


if __name__ == "__main__":
    main()
