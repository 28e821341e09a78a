"""`make run` of an installation that is set up, until /readyz says yes: servers, migrations, web, worker, scheduler."""

import subprocess
import sys

from .load import median
from .place import Place
from .processes import ROOT, free_port, start, stop, wait_for
from .report import table

TIMES = 3


def measure(place: Place) -> str:
    """The table of starts; the place's servers are running again afterwards."""
    seconds = [_once(place) for _ in range(TIMES)]
    subprocess.run(
        [sys.executable, "-m", "onyx.embedded", "start"],
        cwd=ROOT,
        env=place.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    told = ", ".join(f"{second:.2f}" for second in seconds)
    return table("Start", ["figure", "median", "each, s"], [["`make run` to ready", (median(seconds), 3, "s"), told]])


def _once(place: Place) -> float:
    stopping = [sys.executable, "-m", "onyx.embedded", "stop"]
    subprocess.run(stopping, cwd=ROOT, env=place.environment, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    log = place.var / "run.log"
    process = start(["make", "run"], {**place.environment, "PORT": str(port)}, log)
    try:
        return wait_for(f"http://127.0.0.1:{port}/readyz", process, log)
    finally:
        stop(process)
