"""What tests have started ends with them, also when they are interrupted or killed.

Servers live in sessions of their own, so neither Ctrl-C nor the end of a test run reaches them. A watcher beside each
process that runs tests holds the other end of a pipe: when that closes, for whatever reason, it kills every process that
carries the mark in its environment, and stops the servers of the folders that it was told of.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from onyx import embedded
from onyx.embedded import places

ROOT = Path(__file__).resolve().parents[1]
MARK = "STARTED_BY_TESTS"
_watchers: list[subprocess.Popen[bytes]] = []


def begin() -> None:
    """Mark all that this process starts from now on, and have it watched."""
    mark = f"{os.getpid()}-{os.urandom(4).hex()}"
    command = [sys.executable, "-S", "-m", "tests.afterwards", mark]
    _watchers.append(
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    )
    os.environ[MARK] = mark


def look_after(var: Path) -> None:
    """Have the servers of a data folder stopped, and the folder removed, should the tests not do it."""
    for watcher in _watchers:
        assert watcher.stdin is not None
        watcher.stdin.write(os.fsencode(var) + b"\n")
        watcher.stdin.flush()


def end() -> None:
    """Let the watcher look for what is left, and go."""
    while _watchers:
        with _watchers.pop() as watcher:
            assert watcher.stdin is not None
            watcher.stdin.close()


def _marked(mark: str) -> list[int]:
    """Living processes with this mark in their environment."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _clean_up(mark: str, folders: list[Path]) -> None:
    """Kill what is marked, until nothing is: some start others while they are killed."""
    deadline = time.monotonic() + 30
    while (left := _marked(mark)) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for var in folders:
        if var.exists():
            where = places.of(var)
            embedded.stop(var)
            for folder in (where.base, where.sockets, var):
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    told = [Path(os.fsdecode(line.rstrip(b"\n"))) for line in sys.stdin.buffer]  # until whoever tells is gone
    _clean_up(sys.argv[1], told)
