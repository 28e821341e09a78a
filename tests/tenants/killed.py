"""A steward that is killed while it deletes: `python -m tests.tenants.killed OWNER_URL DELETION STEP`.

The step's work is done but not committed where it is a transaction; then comes kill -9.
"""

import os
import signal
import sys
from datetime import timedelta

from config.settings import data_folder, load
from onyx import embedded
from onyx.core import master, secrets
from onyx.edge import queue
from onyx.edge.store import Store
from onyx.tenants import removal


def main(owner_url: str, deletion: str, place: int) -> None:
    settings = load(embedded.urls(data_folder()))
    secrets.install(settings.onyx_secret_key.get_secret_value())
    master.install(*settings.master_keys)
    removal.install(
        removal.Means(
            Store(settings.redis_url), queue.connect(settings.redis_url), settings.onyx_var, timedelta(days=30)
        )
    )
    step = removal.STEPS[place]

    def fatal(owner, doomed):
        with owner.transaction(force_rollback=True):
            step(owner, doomed)
            os.kill(os.getpid(), signal.SIGKILL)

    fatal.__doc__ = step.__doc__
    removal.STEPS = (*removal.STEPS[:place], fatal)
    removal.delete_tenant(owner_url, deletion=deletion)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
