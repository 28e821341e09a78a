"""A real gunicorn with the real configuration, for what only real processes can show."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
import socketio

from tests.waiting import PATIENT, until

ROOT = Path(__file__).resolve().parents[1]
_PORTS = itertools.count(os.getpid() * 89)
_MANY = 12_000 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_FIRST = 20_000 + _MANY * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SECONDS_TO_READY = 180  # of a machine that has other things to do; a quiet one takes four


class Server:
    """`url`, `log()`, `http()` for requests, `pids()` of its workers; ends with `stop()`."""

    def __init__(
        self, environment: dict[str, str], folder: Path, processes: int = 1, application: str = "wsgi:app"
    ) -> None:
        self.processes = processes
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = folder / f"gunicorn-{self.port}.log"
        with open(self.log_file, "wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", application],
                cwd=ROOT,
                env={**environment, "PORT": str(self.port), "WEB_PROCESSES": str(processes)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        deadline, answer = time.monotonic() + SECONDS_TO_READY, "no answer"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"gunicorn ended:\n{self.log()[-3000:]}")
            with suppress(requests.RequestException):
                found = requests.get(f"{self.url}/readyz", timeout=30)
                answer = f"{found.status_code} {found.text}"
                if found.status_code == 200 and self._all_workers():
                    return
            time.sleep(0.05)
        raise RuntimeError(f"gunicorn is not ready ({answer}); {self.where()}\n{self.log()[-3000:]}")

    def where(self) -> str:
        """What master and workers wait for, as the kernel sees it; and how busy the machine is."""
        found = [f"load {os.getloadavg()}"]
        for pid in [self._process.pid, *self.pids()]:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            found.append(f"{pid}: {state[0]}, {Path(f'/proc/{pid}/wchan').read_text()}, ticks {state[11]} {state[12]}")
        return "; ".join(found)

    def _all_workers(self) -> bool:
        return len(self.pids()) >= self.processes

    def pids(self) -> list[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def alive(self) -> bool:
        """Whether it still answers, with every worker that it began with."""
        return self._process.poll() is None and requests.get(f"{self.url}/healthz", timeout=PATIENT).ok

    def log(self) -> str:
        """All that it has said so far."""
        return self.log_file.read_text(errors="replace")

    def http(self, token: str | None = None) -> requests.Session:
        """A client; with a token it presents it as bearer. Close it, or use it in a `with` block."""
        client = Http(self.url)
        if token:
            client.headers["Authorization"] = f"Bearer {token}"
        return client

    def stop(self) -> None:
        """SIGQUIT, which waits for nobody (SIGTERM waits five seconds for open sockets), then SIGKILL for the group."""
        self._process.send_signal(signal.SIGQUIT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(8)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Http(requests.Session):
    """A requests session whose paths begin at the server, and which never follows the machine's proxies."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.trust_env = False

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        more.setdefault("timeout", PATIENT)
        return super().request(method, self.base + url if url.startswith("/") else url, **more)


class Socket(socketio.Client):
    """A Socket.IO client, websocket only, that keeps what it hears in `heard` as (event, payload)."""

    def __init__(self, server: Server, token: str, namespace: str = "/") -> None:
        super().__init__(reconnection=False)
        self._numbering = threading.Lock()
        self.heard: list[tuple[str, Any]] = []
        self.space = namespace
        self.on("*", lambda event, *data: self.heard.append((event, data[0] if data else None)), namespace=namespace)
        self.connect(
            server.url, transports=["websocket"], auth={"token": token}, namespaces=[namespace], wait_timeout=60
        )

    def ask(self, event: str, payload: Any = None, timeout: float = PATIENT) -> Any:
        """Send an event and return its acknowledgement."""
        return self.call(event, payload, namespace=self.space, timeout=timeout)

    def _generate_ack_id(self, *about: Any) -> Any:
        """The library's; of two threads that ask for the first time at once, one would never hear its answer."""
        with self._numbering:
            return super()._generate_ack_id(*about)

    def wait_for(self, event: str) -> Any:
        """The payload of the first `event` heard; raises TimeoutError."""
        try:
            until(lambda: event in self.names(), pause=0.005)
        except TimeoutError as error:
            raise TimeoutError(f"{event} was not heard; heard {self.names()}") from error
        return next(payload for name, payload in list(self.heard) if name == event)

    def names(self) -> list[str]:
        """What it has heard, by name, in order."""
        return [name for name, _ in list(self.heard)]


def falls_silent(event: str, deaf: list[Socket], hearing: Socket) -> None:
    """Wait until `deaf` hear nothing of an event while `hearing` hears it thrice; raises TimeoutError."""

    def silent() -> bool:
        for one in (hearing, *deaf):
            one.heard.clear()
        until(lambda: hearing.names().count(event) >= 3)
        return not any(event in one.names() for one in deaf)

    until(silent)


def free_port() -> int:
    """A port that nobody has now, and that nobody gets by chance before it is used.

    The kernel gives those from 32768 on to whoever connects anywhere; here, the workers of a run have some each, and
    each process begins somewhere else.
    """
    for number in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", _FIRST + number % _MANY))
            return int(probe.getsockname()[1])
    raise AssertionError("unreachable")


def hang_up(client: socketio.Client) -> None:
    """Close what a refused or broken connection leaves open, which warns when it is collected."""
    if client.connected:
        client.disconnect()
    if client.eio.ws is not None:
        client.eio.ws.close()
    if client.eio.http is not None:
        client.eio.http.close()
