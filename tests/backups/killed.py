"""`python -m tests.backups.killed ARGUMENTS`: back up or restore, and kill this process at a named step.

A fresh process for each step, so that each is killed in the same state. Nothing in Onyx knows of this: the steps are told to whoever wants to hear them.
"""

import json
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from onyx.app import create_app, load_settings
from onyx.backups import making, restore
from onyx.core.actor import Actor, Request
from onyx.tenancy import nodes


def main() -> None:
    told = json.loads(sys.argv[1])
    create_app(load_settings(), features=())
    nodes.install(told.get("nodes", {}))
    where = Request("r", "CLI", "test")
    platform = UUID(told["platform"])
    actor = Actor(platform, "platform", "Platform", None, "", "test", kind="operator", request=where)
    for step in told["kill"]:
        child = os.fork()
        if child == 0:
            work(told, actor, step)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"step": step, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}), flush=True)
        sys.stdin.readline()  # whoever started this looks at what is there now, then says go on


def work(told: dict[str, str], actor: Actor, kill: str) -> None:
    def step(name: str) -> None:
        if name == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    if told["work"] == "backup":
        making.make(told["owner_url"], Path(told["folder"]), UUID(told["tenant"]), actor, step=step)
    else:
        source = restore.Source(Path(told["path"]))
        restore.restore(told["owner_url"], source, actor, told.get("slug"), step=step)
    os._exit(0)


if __name__ == "__main__":
    main()
