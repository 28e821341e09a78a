"""How tests wait on a busy machine: long for what must come, and strictly only for what the machine did not delay."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENT = 60.0  # seconds for what must come: it takes none where it works, and ends the test where it does not


def until(ready: Callable[[], Any], seconds: float = PATIENT, pause: float = 0.02) -> Any:
    """What `ready` returns once it is something; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {seconds:.0f} s")
        time.sleep(pause)
    return found


def all_done_later() -> None:
    """Wait for what this process does after its answers (onyx.edge.later), of other tests too."""
    for thread in threading.enumerate():
        if thread.name == "later":
            thread.join(PATIENT)


@contextmanager
def promptly(seconds: float) -> Iterator[None]:
    """What is done inside takes less than `seconds`, besides the time for which anybody had to wait for the machine.

    On a quiet machine that is the bound itself; on one that is overloaded it is none, which is right: what takes long
    there says nothing about Onyx. Absolute figures are those of bench/.
    """
    began, before = time.monotonic(), _kept_waiting()
    yield
    took, waited = time.monotonic() - began, _kept_waiting() - before
    assert took - waited < seconds, f"{took:.2f} s, of which the machine explains at most {waited:.2f}"


def soon_below(bound: float, measure: Callable[[], float], tries: int = 5) -> bool:
    """Whether one of several measurements lies below a bound; the failing ones are printed.

    For ratios: what else the machine does disturbs one of them by chance, and what is wrong all of them.
    """
    for _ in range(tries):
        found = measure()
        if found < bound:
            return True
        print(f"measured {found:.3f}, which is not below {bound}")
    return False


def _kept_waiting() -> float:
    """Seconds since the start of the machine for which work waited for a processor, a disk or memory, at the most.

    The kernel's figure is the mean of its processors (Documentation/accounting/psi.rst): one of them may have kept
    somebody waiting for as many times as long. Where the kernel does not tell, all time counts.
    """
    try:
        told = [Path(f"/proc/pressure/{what}").read_text() for what in ("cpu", "io", "memory")]
    except OSError:
        return time.monotonic()
    stalled = sum(int(text.split("total=", 1)[1].split(None, 1)[0]) for text in told) / 1_000_000
    stolen = int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / os.sysconf("SC_CLK_TCK")
    return stalled * (os.cpu_count() or 1) + stolen
