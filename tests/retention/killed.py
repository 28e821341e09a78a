"""`python -m tests.retention.killed ARGUMENTS`: archive a tenant's access log, and kill this process at a named step."""

import json
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from onyx.app import create_app, load_settings
from onyx.core.actor import Actor, Request
from onyx.retention import archiving


def main() -> None:
    told = json.loads(sys.argv[1])
    create_app(load_settings())
    tenant = UUID(told["tenant"])
    actor = Actor(tenant, "", "", None, "", "Onyx", kind="job", request=Request("r", "STEWARD", "test"))

    def step(name: str) -> None:
        if name == told["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)

    archiving.archive(told["owner_url"], Path(told["folder"]), tenant, actor, step=step)


if __name__ == "__main__":
    main()
