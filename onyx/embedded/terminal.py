"""Ctrl-C for us alone, so that `make run` ends with status 0.

make, too, belongs to the terminal's foreground group: it would get the Ctrl-C and die of it. So we do what a shell
does for its jobs: run in a group of our own and make that the foreground one, until the end.
"""

from __future__ import annotations

import contextlib
import os
import signal

before: list[int] = []


def take() -> None:
    """Become the foreground group of the terminal, if we are in its present one."""
    with contextlib.suppress(OSError):
        group = os.tcgetpgrp(0)
        if group != os.getpgrp() or group == os.getpid():
            return
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # a stopped group would leave make waiting for ever
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        before.append(group)


def is_gone() -> bool:
    """Whether the terminal that we took was closed; its SIGHUP goes to the shell and make, not to our group."""
    try:
        return bool(before) and os.tcgetpgrp(0) < 0
    except OSError:
        return True


def give_back() -> None:
    """Hand the terminal back to whoever had it."""
    while before:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(0, before.pop())
