"""Server processes in the background, outside our session; reaped by us when they end while we live."""

from __future__ import annotations

import subprocess
from pathlib import Path

from onyx.embedded import environment
from onyx.embedded.account import Account

_started: list[subprocess.Popen[bytes]] = []


def launch(account: Account, command: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a server as `account` in `folder`, what it prints appended to `log`; it outlives us."""
    with log.open("ab") as sink:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=environment.clean(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            **account.options(),
        )
    _started.append(server)
    return server


def reap() -> None:
    """Collect the status of ended servers, so that no zombie is left in the list of processes."""
    _started[:] = [server for server in _started if server.poll() is None]
