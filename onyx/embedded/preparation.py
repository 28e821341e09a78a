"""What must be done once before the application starts: migrations and the demo. Each runs as a child."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from onyx.embedded import child, lock
from onyx.embedded.environment import ROOT
from onyx.embedded.trouble import Trouble

Say = Callable[[str], None]


class Preparation:
    """Roles, database and migrations, by a child that loads its program while the servers start.

    Use it in a `with` block: whatever happens inside, the child does not outlive it.
    """

    def __init__(self, var: Path) -> None:
        self._var = var

    def __enter__(self) -> Preparation:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "onyx.embedded.prepare"],
            cwd=ROOT,
            env=child.environment_for(self._var, {}),
            stdin=subprocess.PIPE,
            process_group=0,  # Ctrl-C reaches us alone
            preexec_fn=child.tie_to_parent,  # noqa: PLW1509 - we have no threads
        )
        return self

    def __exit__(self, *_told: object) -> None:
        self._child.kill()
        self._child.communicate()

    def finish(self, addresses: dict[str, str], say: Say) -> None:
        """Tell the child where the servers are and wait for it; skipped for an external database whose owner's URL is
        not given. Raises Trouble.
        """
        if "DATABASE_OWNER_URL" not in addresses:
            say("DATABASE_OWNER_URL is not set: migrations are left to whoever has it.")
            return
        with lock.held(self._var / "prepare.lock"):
            self._child.communicate(json.dumps(child.environment_for(self._var, addresses)).encode())
        if self._child.returncode:
            raise Trouble("The database could not be prepared; the reason stands above.")


def seed(var: Path, addresses: dict[str, str], say: Say) -> None:
    """The demo organisations, on the first start."""
    if (var / "demo-credentials.json").exists() or "DATABASE_OWNER_URL" not in addresses:
        return
    say("Making the demo organisations ...")
    wanted = {name: value for name, value in addresses.items() if name != "DATABASE_SUPERUSER_URL"}
    run_once("onyx.demo", var, wanted, "The demo could not be made; the reason stands above.")


def run_once(module: str, var: Path, addresses: dict[str, str], failure: str) -> None:
    """Run `python -m module` to its end in the project folder."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=child.environment_for(var, addresses),
        stdin=subprocess.DEVNULL,
        check=False,
        preexec_fn=child.tie_to_parent,
    )
    if done.returncode:
        raise Trouble(failure)
