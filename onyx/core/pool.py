"""A pool whose connections specialise: a tenant gets one that has served it before, where one is idle.

A backend keeps what it has learned of a tenant's tables (0.5 MB and more), and learns it anew on every other
connection, which costs more than most requests. So tenants stay with their connections, new ones go to the connection
that knows fewest, and one that knows too many is let go (onyx.core.db).
"""

import threading
import time
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import queue

from .scope import peek

TENANTS_BEFORE_ANOTHER = 8
PATIENCE = 0.02  # seconds for which somebody waits for the connection that knows their tenant: a few requests' time


class _Idle(queue.Queue[ConnectionPoolEntry]):
    """Connections that nobody uses; whoever comes gets the one that knows their tenant."""

    pool: "ByTenant"

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._out: dict[ConnectionPoolEntry, tuple[float, int]] = {}  # since when, and with which thread
        self._back = threading.Condition(self.mutex)

    def _put(self, record: ConnectionPoolEntry) -> None:
        super()._put(record)
        self._out.pop(record, None)
        self._back.notify_all()

    def _get(self) -> ConnectionPoolEntry:
        record = self._best(must_know=self.pool.has_room())
        self._out[record] = time.monotonic(), threading.get_ident()
        return record

    def await_who_knows(self, tenant: UUID) -> None:
        """Wait a moment for a connection that knows the tenant, where one went out a moment ago, and not to ourselves."""
        with self.mutex:
            if self._out:
                self._back.wait_for(lambda: not self._is_out_with_another(tenant), PATIENCE)

    def _is_out_with_another(self, tenant: UUID) -> bool:
        if any(tenant in tenants_of(record) for record in self.queue):
            return False
        since, me = time.monotonic() - PATIENCE, threading.get_ident()
        knowing = [place for record, place in self._out.items() if tenant in tenants_of(record)]
        return any(began > since for began, _ in knowing) and all(thread != me for _, thread in knowing)

    def any_one(self, timeout: float) -> ConnectionPoolEntry:
        """Whichever lies here or comes back within so many seconds, however much it knows. Raises queue.Empty."""
        with self.not_empty:
            if not self.not_empty.wait_for(self._qsize, timeout):
                raise queue.Empty
            found = self._best(must_know=False)
            self._out[found] = time.monotonic(), threading.get_ident()
            self.not_full.notify()
            return found

    def _best(self, must_know: bool) -> ConnectionPoolEntry:
        """Raises queue.Empty where one `must_know` the tenant, and all know others enough."""
        scope = peek()
        if scope is None:
            return self.queue.pop()
        best, fewest = 0, 1 << 30
        for place in reversed(range(len(self.queue))):  # who came back last has most of what it needs at hand
            record = self.queue[place]
            known = tenants_of(record)
            if scope.tenant in known:
                best, fewest = place, 0
                break
            if len(known) < fewest:
                best, fewest = place, len(known)
        if fewest >= TENANTS_BEFORE_ANOTHER and must_know:
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

    def _do_get(self) -> ConnectionPoolEntry:
        """As ever, a tenant's own before another.

        Where PostgreSQL lets nobody else in, one that is here, or comes back in time, does as well.
        """
        scope = peek()
        if scope is not None:
            self._pool.await_who_knows(scope.tenant)  # type: ignore[attr-defined]
        try:
            return super()._do_get()
        except psycopg.OperationalError as error:
            if not (self.checkedin() or _is_full(error)):
                raise
            refused = error
        try:
            return self._pool.any_one(self._timeout)  # type: ignore[attr-defined,no-any-return]
        except queue.Empty:
            raise refused from None

    def has_room(self) -> bool:
        """Whether another connection may be opened that will stay."""
        return self._overflow < 0


def _is_full(error: psycopg.OperationalError) -> bool:
    """Whether PostgreSQL, or PgBouncer before it, has no connection to spare (SQLSTATE 53300).

    While a connection is made libpq hands out no SQLSTATE, only words; in another language a wait for one is spared.
    """
    words = ("too many clients", "too many connections", "connection slots are reserved", "no more connections allowed")
    return error.sqlstate == "53300" or any(some in str(error) for some in words)


def tenants_of(record: ConnectionPoolEntry) -> set[UUID]:
    """The tenants that a connection has served since it was opened."""
    found: set[UUID] = record.info.get("tenants", set())
    return found
