"""The sockets of the bench, in a process of their own: reads one job as JSON from stdin, writes JSON.

`hold` opens `count` sockets and keeps them until stdin ends; `pass` sends events from one socket to another of the same
person; `revoke` ends sessions and waits for their sockets to close; `close` does so for all sockets of an organisation.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import urllib.request  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
import websocket  # noqa: E402
from gevent.pool import Pool  # noqa: E402


class Line:
    """One Socket.IO connection over WebSocket (Engine.IO 4), just enough of it."""

    def __init__(self, port: int, token: str) -> None:
        address = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        self._socket = websocket.create_connection(address, timeout=60, skip_utf8_validation=True)
        self._socket.recv()
        self._socket.send("40" + json.dumps({"token": token}))
        while not (answer := self._socket.recv()).startswith("40"):
            if not answer.startswith("42"):  # events of other sockets may come first
                raise RuntimeError(f"the socket was refused: {answer}")

    def send(self, event: str, payload: Any) -> None:
        self._socket.send("420" + json.dumps([event, payload]))

    def hear(self, event: str) -> Any:
        """The payload of the next `event`; answers pings meanwhile. Raises WebSocketException at the end."""
        while True:
            text = self._socket.recv()
            if text == "2":
                self._socket.send("3")
            elif text.startswith(f'42["{event}"'):
                return json.loads(text[2:])[1]
            elif not text or text.startswith("41"):
                raise websocket.WebSocketConnectionClosedException

    def stay(self) -> None:
        """Answer pings until the other side closes."""
        try:
            self.hear("session:revoked")
        except (websocket.WebSocketException, OSError):
            pass


def hold(job: dict[str, Any]) -> None:
    tokens = job["tokens"]
    lines = Pool(20).map(lambda number: Line(job["port"], tokens[number % len(tokens)]), range(job["count"]))
    for line in lines:
        gevent.spawn(line.stay)
    print("open", flush=True)
    gevent.get_hub().threadpool.apply(sys.stdin.read)


def pass_on(job: dict[str, Any]) -> None:
    sender, receiver = Line(job["port"], job["token"]), Line(job["port"], job["token"])
    gevent.spawn(sender.stay)
    times = []
    for _ in range(job["count"]):
        began = time.perf_counter()
        sender.send(job["event"], job["payload"])
        while receiver.hear(job["heard"]).get("role", "user") != "user":
            pass  # the end of an answer to an earlier message is the same event
        times.append((time.perf_counter() - began) * 1000)
        gevent.sleep(job["pause"])
    json.dump(times, sys.stdout)


def revoke(job: dict[str, Any]) -> None:
    """Sign in `count` times, open a socket for each, end each session by its administrator."""
    sessions = Pool(4).map(lambda _: _ask(job, "POST", "/api/v1/auth/login", None, job["person"]), range(job["count"]))
    lines = [Line(job["port"], session["token"]) for session in sessions]
    times = []
    for session, line in zip(sessions, lines, strict=True):
        waiting = gevent.spawn(line.stay)
        began = time.perf_counter()
        gevent.spawn(_ask, job, "DELETE", f"/api/v1/live-sessions/{session['session_id']}", job["token"], None)
        if waiting.join(timeout=10) or not waiting.ready():
            raise RuntimeError("a socket outlived its session by ten seconds")
        times.append((time.perf_counter() - began) * 1000)
    json.dump(times, sys.stdout)


def close(job: dict[str, Any]) -> None:
    """Open `count` sockets, POST to `path`, and tell when each was closed, in ms from the request on."""
    tokens = job["tokens"]
    lines = Pool(20).map(lambda number: Line(job["port"], tokens[number % len(tokens)]), range(job["count"]))
    times: list[float] = []

    def wait(line: Line) -> None:
        line.stay()
        times.append((time.perf_counter() - began) * 1000)

    waiting = [gevent.spawn(wait, line) for line in lines]
    _rest()
    began = time.perf_counter()
    gevent.spawn(_ask, job, "POST", job["path"], job["token"], {})
    gevent.joinall(waiting, timeout=30)
    if len(times) < len(lines):
        raise RuntimeError(f"{len(lines) - len(times)} sockets outlived their organisation by 30 seconds")
    json.dump(times, sys.stdout)


def end_all(job: dict[str, Any]) -> None:
    """Sign in `count` times with a socket each, end everybody's sessions; how many ended, and seconds until the answer
    came, the last socket closed, and every process had acknowledged.
    """
    sessions = Pool(4).map(lambda _: _ask(job, "POST", "/api/v1/auth/login", None, job["person"]), range(job["count"]))
    waiting = [gevent.spawn(Line(job["port"], session["token"]).stay) for session in sessions]
    began = time.perf_counter()
    asking = gevent.spawn(_ask, job, "POST", "/api/v1/live-sessions/revoke", job["token"], {"all": True})
    asking.link(lambda _: answered.append(time.perf_counter() - began))
    answered: list[float] = []
    gevent.joinall(waiting, timeout=60)
    closed = time.perf_counter() - began
    ended = asking.get()
    while not _ask(job, "GET", f"/api/v1/revocations/{ended['revocations'][0]}", job["token"], None)["complete"]:
        gevent.sleep(0.05)
        if time.perf_counter() - began > 60:
            raise RuntimeError("a process never acknowledged")
    json.dump([ended["ended"], answered[0], closed, time.perf_counter() - began], sys.stdout)


def _rest() -> None:
    """Until this process has nothing left to do: what it does itself is not to be taken for the other side's delay."""
    spent = -1.0
    while time.process_time() - spent > 0.01:
        spent = time.process_time()
        gevent.sleep(0.5)


def _ask(job: dict[str, Any], method: str, path: str, token: str | None, body: Any) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{job['port']}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())["data"]


if __name__ == "__main__":
    found = json.loads(sys.stdin.readline())
    {"close": close, "end_all": end_all, "hold": hold, "pass": pass_on, "revoke": revoke}[found["do"]](found)
