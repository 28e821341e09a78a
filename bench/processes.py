"""CPU time and memory of processes that somebody else runs, and processes of our own that end with us."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of processes so far; from the kernel's clock of each (nanoseconds), else in ticks of 10 ms."""
    return sum(map(_cpu, pids))


def _cpu(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | 2)  # linux/posix-timers: the clock of another process
    except OSError:
        with suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            return times.user + times.system
        return 0.0


def memory(pid: int) -> tuple[float, float]:
    """PSS and RSS in MiB; pages shared with others count once, divided by who shares them, in the first."""
    found = psutil.Process(pid).memory_full_info()
    return found.pss / 2**20, found.rss / 2**20


class Server:
    """gunicorn with Onyx's own configuration, serving `application`; `pids` are its workers."""

    def __init__(self, application: str, environment: dict[str, str], log: Path, processes: int = 1) -> None:
        self.port = free_port()
        self.log = log
        variables = {**environment, "PORT": str(self.port), "WEB_PROCESSES": str(processes), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", application]
        self.process = start(command, variables, log)
        wait_for(f"http://127.0.0.1:{self.port}/readyz", self.process, log)
        deadline = time.monotonic() + 20
        while len(self.pids) < processes and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.0)  # let every worker finish its own start

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def stop(self) -> None:
        stop(self.process)


def start(command: list[str], environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with open(log, "wb") as sink:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )


def stop(process: "subprocess.Popen[bytes]", patience: float = 12) -> None:
    """SIGTERM, then SIGKILL for the group that we started."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float = 120) -> float:
    """Until `url` answers 200; returns after how many seconds. Raises RuntimeError with the log's end."""
    began = time.monotonic()
    while time.monotonic() - began < seconds and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return time.monotonic() - began
        time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text()[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
