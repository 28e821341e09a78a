"""Receipts of notices: which processes were asked to obey, which did, and when (S5).

They lie in Redis for a day. The notice's row in PostgreSQL says whether somebody still has to be asked; jobs.receipts
asks again, so that what Redis loses is asked for once more rather than taken for done (F33).
"""

import time
from dataclasses import dataclass
from uuid import UUID

from .store import Store

PROCESSES = "onyx:processes"
ALIVE_SECONDS = 6
GONE_SECONDS = 60
_KEPT = 86_400


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one notice: when each process obeyed (Unix time), why some could not, and who had been asked."""

    acknowledged: dict[str, float]
    failed: dict[str, str]
    asked: frozenset[str]


class Receipts:
    """One process's hand in the receipts of all. Each method raises Away."""

    def __init__(self, store: Store, process: str) -> None:
        self._store = store
        self._process = process

    def beat(self) -> None:
        """Say that this process lives."""
        at = time.time()
        pipe = self._store.client.pipeline(transaction=False)
        pipe.zadd(PROCESSES, {self._process: at})
        pipe.zremrangebyscore(PROCESSES, "-inf", at - GONE_SECONDS)
        self._store.call(pipe.execute)

    def leave(self) -> None:
        """Say that this process ends, so that nobody waits for its answer."""
        self._store.call(self._store.client.zrem, PROCESSES, self._process)

    def alive(self, within: float = ALIVE_SECONDS) -> list[str]:
        """The processes that beat within so many seconds."""
        found = self._store.call(self._store.client.zrangebyscore, PROCESSES, time.time() - within, "+inf")
        return sorted(name.decode() for name in found)

    def ask(self, id: UUID) -> None:
        """Keep who is alive now: a receipt must not lose a process that dies over the notice."""
        alive = self.alive()
        if alive:
            self._put(id, "asked", "sadd", *alive)

    def acknowledge(self, id: UUID) -> None:
        """This process obeyed; when it obeys again later, the first time counts."""
        pipe = self._store.client.pipeline(transaction=False)
        pipe.hsetnx(f"onyx:ack:{id}", self._process, time.time())
        pipe.expire(f"onyx:ack:{id}", _KEPT)
        pipe.hdel(f"onyx:failed:{id}", self._process)
        self._store.call(pipe.execute)

    def fail(self, id: UUID, why: str) -> None:
        """This process could not obey; it tries again by itself."""
        self._put(id, "failed", "hset", self._process, why)

    def read(self, ids: list[UUID]) -> dict[UUID, Seen]:
        """The receipts of some notices, in one round trip."""
        pipe = self._store.client.pipeline(transaction=False)
        for id in ids:
            pipe.hgetall(f"onyx:ack:{id}")
            pipe.hgetall(f"onyx:failed:{id}")
            pipe.smembers(f"onyx:asked:{id}")
        found = iter(self._store.call(pipe.execute) if ids else [])
        return {
            id: Seen(
                {name.decode(): float(at) for name, at in next(found).items()},
                {name.decode(): why.decode() for name, why in next(found).items()},
                frozenset(name.decode() for name in next(found)),
            )
            for id in ids
        }

    def _put(self, id: UUID, what: str, command: str, *values: str) -> None:
        pipe = self._store.client.pipeline(transaction=False)
        getattr(pipe, command)(f"onyx:{what}:{id}", *values)
        pipe.expire(f"onyx:{what}:{id}", _KEPT)
        self._store.call(pipe.execute)
