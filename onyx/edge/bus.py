"""The control bus: what one process decides about sessions, people and tenants reaches all within a second (S5, S6).

A control message says "ask again", never "believe this": the row in PostgreSQL is the truth. Each is a row in
onyx.revocation too, written before the change commits and marked as told after it, so a process that missed the message
(Redis away, crash) finds it by polling: twice a second while the bus is down, every two seconds otherwise. A row is
obeyed when it is first seen, again once it is told, or when it is three seconds old and nobody lived to tell. What a
process could not obey it tries again, and does not acknowledge (F33).
"""

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import redis
import structlog
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onyx.core.clock import now
from onyx.core.db import db
from onyx.core.errors import Unavailable
from onyx.core.scope import Scope
from onyx.tenancy.notices import Notice
from onyx.tenancy.walls import control_plane

from .receipts import Receipts
from .store import Away, Store

_log = structlog.get_logger()
CHANNEL = "onyx:control"
NOBODY = UUID(int=0)
_AWAY = (Away, OperationalError, PoolTimeout, Unavailable, redis.RedisError, OSError)
FOREWARNED, UNTOLD, TOLD = "forewarned", "untold", "told"


def spread(store: Store, notice: Notice, stage: str = TOLD) -> int:
    """Send a notice to every process that listens; returns how many do. Raises Away."""
    text = json.dumps([notice.id.hex, notice.tenant.hex, notice.kind, notice.subject.hex, notice.reason, stage])
    return int(store.call(store.client.publish, CHANNEL, text))


class Bus:
    """One process's end of the bus. `trusted` is false while messages may be missed."""

    def __init__(self, store: Store, platform: UUID) -> None:
        self.process = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self.trusted = False
        self.generation = 0
        self.receipts = Receipts(store, self.process)
        self._store = store
        self._listeners: list[Callable[[Notice], None]] = []
        self._seen: dict[tuple[UUID, str], float] = {}
        self._since: datetime = now()
        self._control = Scope(platform, "job:control")
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []

    # -- what requests use

    def believes(self, entry: bytes) -> bool:
        """Whether a session's entry was written under the generation that PostgreSQL holds now."""
        return self.trusted and entry.startswith(b'{"g":%d,' % self.generation)

    def stamp(self, **parts: str) -> str:
        """A session's entry in Redis, marked with the generation."""
        return json.dumps({"g": self.generation, **parts}, separators=(",", ":"))

    def suspect(self) -> None:
        """Redis did not answer: believe nothing until the listener is back and the generation is known again."""
        self.trusted = False
        self._wake.set()

    def publish(self, notice: Notice, stage: str = TOLD) -> int:
        """Tell all processes; returns how many were listening. Raises Away (the polls still bring it).

        Each stage is obeyed once: a notice whose receipt is not complete is told again under another name.
        """
        heard = spread(self._store, notice, stage)
        self.receipts.ask(notice.id)
        return heard

    def tell_again(self, notice: Notice) -> None:
        """Have every process obey once more, and say so in the notice's row. Raises Away."""
        self.publish(notice, f"again {time.time():.3f}")
        with control_plane(self._control) as connection:
            connection.exec_driver_sql("update revocation set tries = tries + 1 where id = %s", (notice.id,))

    def tell(self, notice: Notice) -> None:
        """Tell all processes and obey here meanwhile; done when this one has obeyed. Raises Away (the polls bring it)."""
        self._seen[notice.id, TOLD] = time.monotonic()  # what comes back from Redis must not be waited for elsewhere
        try:
            self.publish(notice)
        finally:
            self._obey(notice, TOLD)

    def subscribe(self, listener: Callable[[Notice], None]) -> None:
        """Call `listener` for every notice, in this process, once each."""
        self._listeners.append(listener)

    def receive(self, notice: Notice, stage: str = TOLD) -> None:
        """Act on a notice that was not seen at this stage before; acknowledge it if every listener could obey."""
        if (notice.id, stage) in self._seen:
            return
        self._seen[notice.id, stage] = time.monotonic()
        self._obey(notice, stage)

    def _obey(self, notice: Notice, stage: str) -> None:
        trouble = ""
        for listener in self._listeners:
            try:
                listener(notice)
            except Exception as error:
                trouble = type(error).__name__
                _log.exception("control notice not obeyed", kind=notice.kind)
        if trouble:
            self._seen.pop((notice.id, stage), None)  # the next poll tries again
        if trouble or stage not in (FOREWARNED, UNTOLD):  # what has not committed yet cannot have been obeyed
            self._acknowledge(notice, trouble)

    def new_generation(self) -> None:
        """Make every entry that Redis holds unbelievable, in every process, at their next look at PostgreSQL."""
        with control_plane(self._control) as connection:
            changed = connection.exec_driver_sql(
                "update cache_generation set generation = generation + 1 returning generation"
            )
            self.generation = changed.scalar_one()

    # -- the life of the process

    def start(self, app: Flask) -> None:
        """Begin to listen, poll and beat, in daemon threads (greenlets under gevent)."""
        for work in (self._listen, self._poll):
            thread = threading.Thread(target=self._with_app, args=(app, work), daemon=True, name=work.__name__)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the work, and wait for it: it must not be cut off with a connection in its hands."""
        self._stopped.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(3)
        with suppress(Away):
            self.receipts.leave()

    def _with_app(self, app: Flask, work: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                with app.app_context():
                    work()
            except Exception as error:
                self.trusted = False
                if not self._stopped.is_set():
                    expected = isinstance(error, _AWAY)  # four times a second while it lasts: a line is enough
                    _log.warning(
                        "control bus interrupted", work=work.__name__, error=str(error)[:200],
                        exc_info=None if expected else error,
                    )  # fmt: skip
                self._stopped.wait(0.25)

    def _listen(self) -> None:
        while self._store.away and not self._stopped.wait(0.1):
            pass
        client = redis.Redis.from_url(
            self._store.url, socket_timeout=None, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        try:
            pubsub.subscribe(CHANNEL)
            self._trust_again()
            while not self._stopped.is_set():
                message = pubsub.get_message(timeout=0.5 if self.trusted else 0.25)
                if message is not None:
                    self.receive(*_notice(json.loads(message["data"])))
                elif self._wake.is_set() or not self.trusted:
                    self._trust_again()
        finally:
            self.trusted = False
            client.close()

    def _trust_again(self) -> None:
        """Believe what Redis says, once the generation is known and what may have been missed is obeyed."""
        self._wake.clear()
        if self._store.away:
            return
        self._renew_generation()
        self._catch_up()
        self.trusted = not self._wake.is_set()

    def _poll(self) -> None:
        """Beat twice a second, so that a Redis that is away is noticed; then look into the table as often."""
        looked = 0.0
        while not self._stopped.is_set():
            trusted = self.trusted
            if not trusted or time.monotonic() - looked >= 2:
                looked = time.monotonic()
                self._catch_up()
            self._beat()
            if self.trusted or not trusted:  # what was noticed only now is looked after at once
                self._stopped.wait(0.5)

    def _catch_up(self) -> None:
        with control_plane(self._control) as connection:
            found = connection.exec_driver_sql(
                "select id, tenant_id, kind, subject_id, reason, case when told_at is not null then 'told'"
                " when created_at < clock_timestamp() - interval '3 seconds' then 'untold' else 'forewarned' end as stage"
                ", greatest(created_at, told_at) as at from revocation"
                " where created_at > %s or told_at > %s order by created_at",
                (self._since - timedelta(seconds=10),) * 2,
            ).all()
            generation = connection.exec_driver_sql("select generation from cache_generation").scalar_one()
        if generation != self.generation:
            self.generation = generation
        for row in found:
            self._since = max(self._since, row.at)
            self.receive(Notice(row.id, row.tenant_id, row.kind, row.subject_id, row.reason), row.stage)
        self._forget_old()

    def _renew_generation(self) -> None:
        """A Redis that was restarted, flushed over or replaced by an older copy begins a new generation. Raises Away."""
        client = self._store.client
        run_id = f"{self._store.call(client.info, 'server')['run_id']}"
        mark = self._store.call(client.set, "onyx:mark", run_id, nx=True)
        with control_plane(self._control) as connection:
            connection.exec_driver_sql(
                "update cache_generation set generation = generation + 1, redis_run_id = %s"
                " where redis_run_id <> %s or %s",
                (run_id, run_id, bool(mark)),
            )
            self.generation = connection.exec_driver_sql("select generation from cache_generation").scalar_one()

    def _beat(self) -> None:
        try:
            self.receipts.beat()
        except Away:
            self.suspect()

    def _acknowledge(self, notice: Notice, trouble: str) -> None:
        try:
            if trouble:
                self.receipts.fail(notice.id, trouble)
            else:
                self.receipts.acknowledge(notice.id)
        except Away:
            self.suspect()

    def _forget_old(self) -> None:
        horizon = time.monotonic() - 600
        for key in [key for key, at in self._seen.items() if at < horizon]:
            del self._seen[key]


def platform_id() -> UUID:
    """The id of the platform's own tenant, by the one function that may look before anybody is known; nobody's id while
    the database is empty, so that `flask setup` and `flask migrate` can be asked for.
    """
    with db.engine.begin() as connection:
        if connection.exec_driver_sql("select to_regprocedure('onyx.platform_id()')").scalar_one() is None:
            return NOBODY
        found = connection.exec_driver_sql("select onyx.platform_id()").scalar_one()
    return UUID(str(found)) if found is not None else NOBODY


def _notice(parts: list[str]) -> tuple[Notice, str]:
    return Notice(UUID(parts[0]), UUID(parts[1]), parts[2], UUID(parts[3]), parts[4]), parts[5]
