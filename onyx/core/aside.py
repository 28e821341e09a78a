"""Work that does not yield, done where it stalls no socket."""

from collections.abc import Callable
from typing import TypeVar

from gevent import get_hub
from gevent.monkey import is_module_patched
from gevent.threadpool import ThreadPool

T = TypeVar("T")


class Full(Exception):
    """Too many wait in a lane already."""


class Lane:
    """Threads of this process for one kind of work that takes long: what is short, as a password, does not wait for it.

    `width` may run at once; at most `line` wait for their turn, since each of them may hold a connection meanwhile.
    """

    def __init__(self, width: int, line: int) -> None:
        self._width, self._most = width, width + line
        self._here = 0
        self._pool: ThreadPool | None = None

    def run(self, function: Callable[[], T]) -> T:
        """Like aside(), in this lane. Raises Full."""
        if not is_module_patched("threading"):
            return function()
        if self._here >= self._most:
            raise Full
        self._pool = self._pool or ThreadPool(self._width)
        self._here += 1
        try:
            found: T = self._pool.apply(function)
        finally:
            self._here -= 1
        return found


def aside(function: Callable[[], T]) -> T:
    """Run what is long in C or on the disk in gevent's thread pool when its hub runs; it may not use the database."""
    if not is_module_patched("threading"):
        return function()
    found: T = get_hub().threadpool.apply(function)
    return found
