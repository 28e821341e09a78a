"""`python -m tests.retention.killed ARGUMENTS`: archive a tenant's access log, and kill this process at a named step."""

import json
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from config.settings import data_folder, load
from onyx import embedded
from onyx.core import master, secrets
from onyx.core.actor import Actor, Request
from onyx.retention import archiving


def main() -> None:
    told = json.loads(sys.argv[1])
    settings = load(embedded.urls(data_folder()))  # as the steward: the application is four seconds' work to import
    secrets.install(settings.onyx_secret_key.get_secret_value())
    master.install(*settings.master_keys)
    tenant = UUID(told["tenant"])
    actor = Actor(tenant, "", "", None, "", "Onyx", kind="job", request=Request("r", "STEWARD", "test"))

    def step(name: str) -> None:
        if name == told["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)

    archiving.archive(told["owner_url"], Path(told["folder"]), tenant, actor, step=step)


if __name__ == "__main__":
    main()
