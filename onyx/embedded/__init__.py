"""Private PostgreSQL and Redis for the one-command default.

Only the standard library is imported here, since this package also runs before anything is installed.
`DATABASE_URL` and `REDIS_URL`, where set, win: then nothing is started.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from onyx.embedded import addresses, servers
from onyx.embedded.trouble import Trouble

__all__ = ["Trouble", "start", "stop", "urls"]


def urls(var: Path) -> dict[str, str]:
    """Addresses and keys of the installation in `var`, by environment name; starts nothing."""
    return addresses.of(var)


def start(var: Path, say: Callable[[str], None] = print) -> dict[str, str]:
    """Start what is needed and not yet running, then return `urls(var)`. Raises Trouble with advice."""
    return servers.start(var, say)


def stop(var: Path) -> None:
    """Stop the servers of `var`; nothing happens when they are not running."""
    servers.stop(var)
