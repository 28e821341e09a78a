"""`python -m onyx.embedded ensure|start|stop|status|env|run`, on the data folder ONYX_VAR."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from onyx.embedded import addresses, environment, servers, supervisor
from onyx.embedded.preparation import Preparation
from onyx.embedded.trouble import Trouble


def tell(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def start(var: Path) -> int:
    """Servers in the background, with an up-to-date database."""
    with Preparation(var) as prepared:
        prepared.finish(servers.start(var, tell), tell)
    (var / "keep-running").touch()
    tell(f"PostgreSQL and Redis are running for {var}. `make stop` ends them.")
    return 0


def stop(var: Path) -> int:
    """End a `make run` of this folder, then the servers."""
    supervisor.end_other(var, tell)
    (var / "keep-running").unlink(missing_ok=True)
    servers.stop(var, tell)
    return 0


def status(var: Path) -> int:
    """Show each server's state; 1 when one of ours is down."""
    states = servers.status(var)
    for name, state in states.items():
        tell(f"{name}: {state}")
    return 1 if "stopped" in states.values() else 0


def env(var: Path) -> int:
    """Addresses as lines for a shell; the superuser's stays out."""
    for name, value in addresses.of(var).items():
        if name != "DATABASE_SUPERUSER_URL":
            tell(f"export {name}={shlex.quote(value)}")
    return 0


def ensure(var: Path) -> int:
    """Find or install the server programs."""
    servers.ensure(var, tell)
    return 0


COMMANDS = {"ensure": ensure, "env": env, "run": supervisor.run, "start": start, "status": status, "stop": stop}


def main(words: list[str]) -> int:
    """Run one command; trouble is told without a traceback."""
    if len(words) != 1 or words[0] not in COMMANDS:
        print(f"Usage: python -m onyx.embedded {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[words[0]](environment.var_folder())
    except Trouble as trouble:
        print(f"\nOnyx cannot go on: {trouble}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
