"""Looking at other processes by number, without trusting that a number still means the same process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def command(pid: int) -> str:
    """The command line of a living process, words parted by blanks; empty when there is none (or a zombie)."""
    if Path("/proc/self/cmdline").exists():
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return os.fsdecode(raw.replace(b"\0", b" ")).strip()
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def of_group(group: int) -> list[int]:
    """Living members of a process group."""
    if Path("/proc/self/stat").exists():
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in numbers if group_of(pid) == group]
    shown = subprocess.run(["ps", "-axo", "pid=,pgid="], capture_output=True, text=True, check=False)
    pairs = [line.split() for line in shown.stdout.splitlines()]
    return [int(pid) for pid, its_group in pairs if int(its_group) == group]


def group_of(pid: int) -> int | None:
    """The process group of a process; None when it has just ended."""
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def is_running(pid: int, *words: str) -> bool:
    """Whether `pid` lives and its command line holds all the words."""
    line = command(pid)
    return bool(line) and all(word in line for word in words)


def end(pid: int, words: tuple[str, ...], patience: float) -> None:
    """Ask a process to end, and make it when it does not; never touches one whose command line differs."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_running(pid, *words):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        wait_until(lambda: not is_running(pid, *words), patience)


def wait_until(ready: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Poll until `ready()` is true or time is up; tells which."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
