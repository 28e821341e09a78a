"""A circuit breaker: whoever meets a Redis that is slow or gone first waits for the budget, everybody after that not at all.

While it is open nobody asks Redis; a thread of its own tries a small write until one succeeds in time. One breaker
serves all that a process asks of one Redis: sessions, limits, presence, rooms and the control bus (S6).
"""

import threading
import time
from collections.abc import Callable

import redis
import structlog

_log = structlog.get_logger()
BUDGET = 0.5  # seconds that a command may take; a busy process alone may keep an answer waiting for a while
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0


class Breaker:
    """`is_open` while Redis is away. `trip()` opens it; `probe`, tried in the background, closes it again."""

    def __init__(self, probe: Callable[[], None]) -> None:
        self.is_open = False
        self.since = 0.0
        self._probe = probe
        self._lock = threading.Lock()

    def trip(self) -> None:
        """Redis did not answer in time: ask it nothing until it does."""
        with self._lock:
            if self.is_open:
                return
            self.is_open, self.since = True, time.monotonic()
        _log.warning("redis does not answer in time: working without it")
        threading.Thread(target=self._until_well, daemon=True, name="redis-probe").start()

    def _until_well(self) -> None:
        pause = FIRST_PAUSE
        while True:
            time.sleep(pause)
            try:
                self._probe()
            except (redis.RedisError, OSError):
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                break
        self.is_open = False
        _log.warning("redis answers again", seconds=round(time.monotonic() - self.since, 1))
