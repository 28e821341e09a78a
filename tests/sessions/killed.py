"""A process that is killed when its renewal has committed, before anybody is told: `python -m tests.sessions.killed`.

The token comes on the standard input.
"""

import os
import signal
import sys
from typing import Any

from onyx.app import create_app, load_settings
from onyx.core import outbox


def main(token: str) -> None:
    app = create_app(load_settings())

    def fatal(letters: list[Any]) -> None:
        if any(topic == "session.rotated" for topic, _ in letters):
            os.kill(os.getpid(), signal.SIGKILL)

    outbox.deliver = fatal
    app.test_client().post("/api/v1/auth/refresh", headers={"Authorization": f"Bearer {token}"})


if __name__ == "__main__":
    main(sys.stdin.read().strip())
