"""A data folder of a test's own, driven by the same commands that people type."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from onyx.embedded import addresses, places, postgres, redis_server
from tests.server import SECONDS_TO_READY, free_port

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "ONYX_SECRET_KEY", "ONYX_MASTER_KEY", "EMBEDDED_PG")


class Installation:
    """Commands on one ONYX_VAR, and what they left running."""

    def __init__(self, var: Path, **settings: str) -> None:
        self.var = var
        self.log = var.parent / "output.log"
        self.port = free_port()
        self.supervisor: subprocess.Popen[bytes]
        self.begun: list[subprocess.Popen[bytes]] = []
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = {**kept, "ONYX_VAR": str(var), "PORT": str(self.port), **settings}

    def command(self, word: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """`python -m onyx.embedded WORD` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "onyx.embedded", word],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def begin(self, word: str) -> subprocess.Popen[bytes]:
        """The same in the background, with its output in a file."""
        with self.log.open("ab") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "onyx.embedded", word],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        self.begun.append(process)
        return process

    def said(self) -> str:
        """What background commands printed."""
        return self.log.read_text()

    def urls(self) -> dict[str, str]:
        """Its addresses and keys, as the application would find them."""
        with without_external_urls():
            return addresses.of(self.var)

    def server_pids(self) -> tuple[int | None, int | None]:
        """Process numbers of PostgreSQL and Redis."""
        where = places.of(self.var)
        return postgres.server_pid(where), redis_server.server_pid(where)

    def kill_servers(self) -> None:
        """kill -9 of both."""
        for pid in self.server_pids():
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

    def get(self, path: str) -> int:
        """Status of a GET."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return int(answer.status)


@contextlib.contextmanager
def without_external_urls() -> Iterator[None]:
    """The suite itself may run with DATABASE_URL and REDIS_URL set; this installation must not see them."""
    kept = {name: os.environ.pop(name) for name in OURS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def eventually(ready: Callable[[], bool], seconds: float = SECONDS_TO_READY) -> bool:
    """Poll until true or time is up; tells which."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.05)
    return bool(ready())
