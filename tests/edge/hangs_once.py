"""An application whose first process never finishes loading, for test_loading.py."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path


def waits_for_what_never_comes() -> None:
    time.sleep(600)


with suppress(FileExistsError):
    Path(os.environ["HUNG"]).touch(exist_ok=False)
    waits_for_what_never_comes()


def app(_environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "0")])
    return []
