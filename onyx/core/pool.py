"""A pool whose connections specialise: a tenant gets one that has served it before, where one is idle.

A backend keeps what it has learned of a tenant's tables (0.5 MB and more), and learns it anew on every other
connection, which costs more than most requests. So tenants stay with their connections, new ones go to the connection
that knows fewest, and one that knows too many is let go (onyx.core.db).
"""

from typing import Any
from uuid import UUID

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import queue

from .scope import peek

TENANTS_BEFORE_ANOTHER = 8


class _Idle(queue.Queue[ConnectionPoolEntry]):
    """Connections that nobody uses; whoever comes gets the one that knows their tenant."""

    pool: "ByTenant"

    def _get(self) -> ConnectionPoolEntry:
        scope = peek()
        if scope is None:
            return self.queue.pop()
        best, fewest = 0, 1 << 30
        for place, record in enumerate(self.queue):
            known = tenants_of(record)
            if scope.tenant in known:
                best, fewest = place, 0
                break
            if len(known) < fewest:
                best, fewest = place, len(known)
        if fewest >= TENANTS_BEFORE_ANOTHER and self.pool.has_room():
            raise queue.Empty
        record = self.queue[best]
        del self.queue[best]
        return record


class ByTenant(QueuePool):
    """QueuePool with _Idle as its queue."""

    _queue_class = _Idle

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._pool.pool = self  # type: ignore[attr-defined]

    def has_room(self) -> bool:
        """Whether another connection may be opened that will stay."""
        return self._overflow < 0


def tenants_of(record: ConnectionPoolEntry) -> set[UUID]:
    """The tenants that a connection has served since it was opened."""
    found: set[UUID] = record.info.get("tenants", set())
    return found
