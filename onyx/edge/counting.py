"""Counting what is limited: in Redis, for all processes together; while Redis is away in this process alone (S6, G1).

A process that counts for itself lets through at most what one limit allows, so that abuse stays bounded meanwhile.
"""

import time
from threading import Lock
from typing import Any

from limits.storage import Storage

from .store import Away, Store

MOST = 100_000  # counters of one process; beyond it the oldest windows are forgotten
_COUNT = """
local n = redis.call('INCRBY', KEYS[1], ARGV[1])
if n == tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return n
"""


class Counts:
    """Counters of this process, each with an end."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = Lock()

    def add(self, name: str, seconds: float, amount: int = 1) -> int:
        """Count, and return how many there are since the counter began; it ends `seconds` after that."""
        now = time.time()
        with self._lock:
            count, ends = self._counts.get(name, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + seconds
                self._make_room(now)
            self._counts[name] = (count + amount, ends)
        return count + amount

    def get(self, name: str) -> tuple[int, float]:
        """How many, and when (Unix time) the counter ends; (0, now) for one that does not run."""
        now = time.time()
        count, ends = self._counts.get(name, (0, 0.0))
        return (count, ends) if ends > now else (0, now)

    def forget(self, name: str) -> None:
        with self._lock:
            self._counts.pop(name, None)

    def __len__(self) -> int:
        return len(self._counts)

    def _make_room(self, now: float) -> None:
        if len(self._counts) < MOST:
            return
        for name in [name for name, (_, ends) in self._counts.items() if ends <= now]:
            del self._counts[name]
        for name in list(self._counts)[: max(0, len(self._counts) - MOST + MOST // 10)]:
            del self._counts[name]


def _named(key: str) -> str:
    """A counter's name without what the library puts before it: keys in Redis begin with a tenant or with `onyx:` (T7)."""
    return key.removeprefix("LIMITER/")


class Counted(Storage):
    """Flask-Limiter's storage: Redis behind the process's breaker, else the process's own counters."""

    STORAGE_SCHEME = ["onyx"]

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._store: Store = options["store"]
        self._counts: Counts = options["counts"]

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return Away

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        key = _named(key)
        try:
            return int(self._store.run(_COUNT, [key], [amount, expiry]))
        except Away:
            return self._counts.add(key, expiry, amount)

    def get(self, key: str) -> int:
        key = _named(key)
        try:
            return int(self._store.call(self._store.client.get, key) or 0)
        except Away:
            return self._counts.get(key)[0]

    def get_expiry(self, key: str) -> float:
        key = _named(key)
        try:
            return time.time() + max(0, int(self._store.call(self._store.client.ttl, key)))
        except Away:
            return self._counts.get(key)[1]

    def check(self) -> bool:
        return True

    def clear(self, key: str) -> None:
        key = _named(key)
        self._counts.forget(key)
        try:
            self._store.call(self._store.client.delete, key)
        except Away:
            return

    def reset(self) -> int | None:
        """Nothing: counters end by themselves."""
        return None
