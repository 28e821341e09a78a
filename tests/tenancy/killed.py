"""`python -m tests.tenancy.killed STEP WHEN COUNT WORK…`: does work as the steward would, and dies by SIGKILL at a step.

STEP is `module.function` of onyx.tenancy; WHEN is `before`, `after` or `during` its COUNTth call. WORK is `provision
SLUG`, `prepare`, `migrate` or `move ID NODE`. OWNER_URL names the database, MIGRATIONS the folder with the scripts.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from onyx.tenancy import migrate, moving, nodes, scripts, stock


def main(step: str, when: str, count: str, work: str, *names: str) -> None:
    scripts.ROOT = Path(os.environ.get("MIGRATIONS", scripts.ROOT))
    module_name, function = step.split(".")
    module = importlib.import_module(f"onyx.tenancy.{module_name}")
    setattr(module, function, _mortal(getattr(module, function), when, int(count)))
    if "NODES" in os.environ:
        nodes.install({"two": os.environ["NODES"]})
    if work == "provision":
        migrate.provision(os.environ["OWNER_URL"], names[0], names[0])
    elif work == "prepare":
        stock.fill(os.environ["OWNER_URL"], 1)
    elif work == "move":
        moving.move(os.environ["OWNER_URL"], UUID(names[0]), names[1])
    else:
        migrate.migrate_all(os.environ["OWNER_URL"], lambda _: None)


def _mortal(real: Any, when: str, count: int) -> Any:
    calls = 0

    def wrapped(*values: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != count:
            return real(*values, **more)
        if when == "before":
            _die()
        if when == "during":
            threading.Thread(target=lambda: (time.sleep(0.02), _die())).start()
        result = real(*values, **more)
        _die()
        return result

    return wrapped


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
