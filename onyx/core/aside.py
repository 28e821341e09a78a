"""Work that does not yield, done where it stalls no socket."""

from collections.abc import Callable
from typing import TypeVar

from gevent import get_hub
from gevent.monkey import is_module_patched

T = TypeVar("T")


def aside(function: Callable[[], T]) -> T:
    """Run what is long in C or on the disk in gevent's thread pool when its hub runs; it may not use the database."""
    if not is_module_patched("threading"):
        return function()
    found: T = get_hub().threadpool.apply(function)
    return found
