"""An application whose first process never finishes loading, for test_loading.py."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import gevent


def waits_for_what_never_comes(_content: str) -> None:
    time.sleep(600)


with suppress(FileExistsError):
    Path(os.environ["HUNG"]).touch(exist_ok=False)
    greenlet = gevent.spawn(waits_for_what_never_comes, "what somebody wrote")
    greenlet.join()


def app(_environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "0")])
    return []
