"""One run of a job for a tenant at a time, even when a process is paused, killed or cut off (F43).

Two things together. A lease in Redis, renewed while the process lives, keeps a second run from starting and lets it
start soon after a kill. And a lock in PostgreSQL, taken inside each transaction of the job, fences: two transactions
of the same job and tenant never overlap, and one whose lease has meanwhile gone to somebody else refuses to commit.
A process that wakes up late either still holds the transaction's lock, so that nobody else could act, or begins a new
transaction and finds at its end that the lease is not its own. Without Redis the fence alone remains.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from onyx.core.db import rows, unit_of_work
from onyx.edge.store import Away, Store, key

_log = structlog.get_logger()
SECONDS = 15.0

_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_LET_GO = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Busy(Exception):
    """Somebody else is doing this job for this tenant."""


class LeaseLost(Exception):
    """This run was thought dead and its work given to another: nothing more may be committed."""


class Lease:
    """The right to do one job for one tenant, for as long as this process keeps renewing it."""

    def __init__(self, store: Store, name: str, tenant: UUID, process: str) -> None:
        self._store = store
        self._name = f"{name}:{tenant}"
        self._key = key(tenant, "job", name, "lease")
        self._token = f"{process}/{os.urandom(8).hex()}"
        self._stopped = threading.Event()

    @contextmanager
    def held(self, living: set[str]) -> Iterator["Lease"]:
        """Hold it for a `with` block. Raises Busy while a process of `living` holds it."""
        if not self._take(living):
            raise Busy
        renewer = threading.Thread(target=self._renew, daemon=True, name="lease")
        renewer.start()
        try:
            yield self
        finally:
            self._stopped.set()
            self._quietly(_LET_GO)

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """A transaction in the open scope that commits only while this run is the one that may."""
        with unit_of_work() as session:
            if not rows(session, "select pg_try_advisory_xact_lock(hashtextextended(%s, 0)) as got", self._name)[0].got:
                raise Busy
            session.info.setdefault("before_commit", []).append(self._must_be_ours)
            yield session

    def _take(self, living: set[str]) -> bool:
        try:
            if self._store.call(self._store.client.set, self._key, self._token, nx=True, px=int(SECONDS * 1000)):
                return True
            holder = self._store.call(self._store.client.get, self._key)
            if holder is not None and holder.decode().partition("/")[0] in living:
                return False
            return bool(self._store.run(_TAKE_OVER, [self._key], [holder or b"", self._token, int(SECONDS * 1000)]))
        except Away:
            return True

    def _renew(self) -> None:
        while not self._stopped.wait(SECONDS / 3):
            self._quietly(_RENEW)

    def _must_be_ours(self, _session: Session) -> None:
        try:
            holder = self._store.call(self._store.client.get, self._key)
        except Away:
            return
        if holder is not None and holder.decode() != self._token:
            raise LeaseLost(self._name)

    def _quietly(self, script: str) -> None:
        try:
            self._store.run(script, [self._key], [self._token, int(SECONDS * 1000)])
        except Away:
            _log.warning("lease not renewed: redis is away", lease=self._name, at=time.time())


_TAKE_OVER = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
