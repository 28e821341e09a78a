"""How many of something may run at the same moment: tries at one account, answers of one person.

Each that runs holds a place until it is done, or until its time is over when its process died meanwhile. Over all
processes by Redis; while that is away, in each process alone.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from onyx.core.errors import TooMany

from .state import state
from .store import Away

_ENTER = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[1] + ARGV[2], ARGV[4])
return redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


@contextmanager
def few_at_once(name: str, most: int, seconds: int, told: str | None = None) -> Iterator[None]:
    """Hold one of `most` places for as long as the block runs, `seconds` at most. Raises TooMany."""
    leave = enter(name, most, seconds, told)
    try:
        yield
    finally:
        leave()


def enter(name: str, most: int, seconds: int, told: str | None = None) -> Callable[[], None]:
    """Take a place; returns what gives it back. `name` is a whole key of Redis. Raises TooMany when none is free."""
    here = state()
    if not here.settings.rate_limits:
        return lambda: None
    store, places, mine = here.store, here.places, os.urandom(8).hex()
    try:
        free = store.run(_ENTER, [name], [time.time(), seconds, most, mine]) != 0

        def leave() -> None:
            with suppress(Away):
                store.call(store.client.zrem, name, mine)

    except Away:
        free = places.enter(name, most, seconds, mine)

        def leave() -> None:
            places.leave(name, mine)

    if not free:
        raise TooMany(told, retry_after=2)
    return leave


class Places:
    """The places that are held in this process alone."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, float]] = {}

    def enter(self, name: str, most: int, seconds: int, mine: str) -> bool:
        now = time.time()
        held = {one: until for one, until in self._held.get(name, {}).items() if until > now}
        if len(held) >= most:
            return False
        self._held[name] = {**held, mine: now + seconds}
        return True

    def leave(self, name: str, mine: str) -> None:
        held = self._held.get(name, {})
        held.pop(mine, None)
        if not held:
            self._held.pop(name, None)
