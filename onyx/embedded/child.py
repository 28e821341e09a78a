"""One process of the application: how it is started, with what environment, and how it ends with us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from onyx.embedded.environment import ROOT

PR_SET_PDEATHSIG = 1
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 30.0
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
SECRET_NAMES = ("DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL")


def environment_for(var: Path, addresses: dict[str, str]) -> dict[str, str]:
    """Our environment with exactly these addresses; the owner's and superuser's only when among them."""
    hidden = {*SECRET_NAMES, *(f"{name}_FILE" for name in SECRET_NAMES)}
    hidden |= {f"{name}_FILE" for name in addresses}
    if "DATABASE_OWNER_URL" not in addresses:
        hidden |= {"DATABASE_OWNER_NODES", "DATABASE_OWNER_NODES_FILE"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, **addresses, "ONYX_VAR": str(var), "PYTHONUNBUFFERED": "1"}


def tie_to_parent() -> None:
    """In the child, before exec: end when the parent is gone, even by kill -9 (Linux)."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def stand_back() -> None:
    """The same for a process that must not slow down the web: it gets the processor when that one waits."""
    tie_to_parent()
    os.nice(5)


@dataclass
class Child:
    """A named process that is started again when it dies, later each time."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.5
    wait: float = 0.0
    due: float = 0.0

    def start(self) -> None:
        """Start it in a process group of its own, so that Ctrl-C reaches us alone and we end things in order."""
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=tie_to_parent if self.name == "web" else stand_back,  # noqa: PLW1509 - we have no threads
        )
        self.started = time.monotonic()

    def died(self) -> int | None:
        """Its exit status when it has just ended, else None; plans the next start."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        if time.monotonic() - self.started > HEALTHY_AFTER:
            self.pause = 0.5
        self.process = None
        self.wait = self.pause
        self.due = time.monotonic() + self.wait
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        return status

    def is_due(self) -> bool:
        """Whether it is down and its pause is over."""
        return self.process is None and time.monotonic() >= self.due

    def stop(self, patience: float) -> None:
        """SIGTERM, wait, then SIGKILL for whatever is left of its group."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
