"""`python -m jobs.steward`: the one process that may change structure, from a closed list, never SQL (DESIGN §3).

It alone is given DATABASE_OWNER_URL. It makes log partitions ahead, at its start and once a day, and executes what
platform admins have asked for in onyx.steward_request.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from queue import SimpleQueue

import psycopg
import redis
import structlog
from rq import Queue

from config.logging import configure_logging
from config.settings import Settings, data_folder, load, nodes_of
from onyx import embedded
from onyx.backups import due, halfway, parcels
from onyx.backups.operations import LONG, Operations
from onyx.core import master, secrets
from onyx.core.db import said
from onyx.core.ids import uuid7
from onyx.edge import queue, runs
from onyx.edge.store import Away, Store
from onyx.retention import operations as retention
from onyx.tenancy import nodes, stock
from onyx.tenancy.fit import require_ours
from onyx.tenancy.master_check import require_master_of_owner
from onyx.tenancy.provisioning import partitions_ahead
from onyx.tenancy.steward import Refused, claim, claim_next, forget_old
from onyx.tenancy.steward import run as carry_out
from onyx.tenants import removal, usage_days
from onyx.tenants.measuring import measure_all

from .stopping import Stopping

_log = structlog.get_logger()
MEASURE = "tenants.measure"
PARTITIONS = "partitions.ahead"
SWEEP = "parcels.sweep"
USAGE = "usage.forget"
SHORT = {"delete_tenant": removal.delete_tenant}
SLOW = (*LONG, retention.ARCHIVE)
PLACED = {**due.PLACED, retention.JOB: lambda connection, _hours: retention.place(connection)}
_PAUSE = 0.5
_LOOK = 30.0
_AWAY = 5.0


def main() -> None:
    """Serve until SIGTERM; whatever is away is waited for."""
    configure_logging()
    settings = load(embedded.urls(data_folder()))
    if not settings.database_owner_url:
        raise SystemExit("The steward needs DATABASE_OWNER_URL; no other process may have it.")
    secrets.install(settings.onyx_secret_key.get_secret_value())
    master.install(*settings.master_keys)
    nodes.install(nodes_of(settings.database_owner_nodes))
    asked = Stopping()
    Steward(settings, settings.database_owner_url).serve(asked)


class Steward:
    """One steward process: its settings, its Redis, its way to the owner's database."""

    def __init__(self, settings: Settings, owner_url: str) -> None:
        self.owner_url = owner_url
        self.store = Store(settings.redis_cache_url or settings.redis_url)
        self.process = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self._long = {**Operations(settings).table, **retention.Operations(settings.onyx_var).table}
        self._rounds: dict[str, Callable[[str, str], None]] = {
            MEASURE: self.measure, PARTITIONS: self.partitions_ahead, SWEEP: self.sweep, USAGE: self.forget_usage,
        }  # fmt: skip
        self._wanted: SimpleQueue[tuple[str, str, str]] = SimpleQueue()
        self._under_way: set[str] = set()
        self._backup_hours = settings.backup_hours
        self._folder = settings.onyx_var
        self._database: psycopg.Connection | None = None
        queues = queue.connect(settings.redis_rq_url or settings.redis_url)
        self._queue: Queue = queue.queue("steward", queues)
        self._look_again = 0.0
        self._prepared = settings.tenants_prepared
        self._taken = threading.Event()
        removal.install(
            removal.Means(self.store, queues, settings.onyx_var, timedelta(days=settings.physical_backup_days))
        )

    def serve(self, asked: Stopping) -> None:
        """This month's partitions first: a missing one would refuse every change in Onyx. What takes long, and what goes
        round all organisations, has its own thread.
        """
        ready = False
        for work in (self._serve_long, self._serve_rounds, self._prepare_ahead):
            threading.Thread(target=work, args=(asked,), daemon=True, name=work.__name__).start()
        while not asked.asked:
            try:
                if not ready:
                    with psycopg.connect(self.owner_url, autocommit=True, connect_timeout=5) as connection:
                        require_master_of_owner(connection)
                        require_ours(connection)
                    self.partitions_ahead(uuid7().hex, "start", months=1)
                    self._go_round(PARTITIONS, uuid7().hex, "start")
                    ready = True
                self._serve_requests()
                self._take_from_queue()
            except psycopg.Error as error:
                _log.warning("postgresql is away: the steward waits for it", error=type(error).__name__)
            except (Away, redis.RedisError) as error:  # requests lie in PostgreSQL and go on
                _log.debug("redis is away: the steward's queue waits", error=type(error).__name__)
            self._rest(asked)

    def partitions_ahead(self, run: str, by: str, months: int = 3) -> None:
        """Make the partitions of this month and the next two for every tenant; one that fails keeps nobody else."""
        began = time.time()
        tenants, made, failed = partitions_ahead(self.owner_url, months)
        outcome = "failed" if failed else "success"
        self._remember(
            PARTITIONS, runs.Run(run, began, time.time() - began, outcome, made, by, None, tenants, len(failed))
        )

    def measure(self, run: str, by: str) -> None:
        """Measure how large and how busy every organisation is; one that fails keeps nobody else."""
        began = time.time()
        done, failed = measure_all(self.owner_url)
        outcome = "failed" if failed else "success"
        self._remember(
            MEASURE, runs.Run(run, began, time.time() - began, outcome, done, by, None, done + failed, failed)
        )

    def sweep(self, run: str, by: str) -> None:
        """Remove exports and uploaded archives whose time is over, and requests that were done with long ago."""
        began = time.time()
        with psycopg.connect(self.owner_url, autocommit=True, connect_timeout=5) as connection:
            gone = parcels.sweep(connection, self._folder) + forget_old(connection)
        self._remember(SWEEP, runs.Run(run, began, time.time() - began, "success", gone, by, None, gone, 0))

    def forget_usage(self, run: str, by: str) -> None:
        """Remove what people used up each day beyond a year; one organisation that fails keeps nobody else."""
        began = time.time()
        visited, gone, failed = usage_days.forget_all(self.owner_url)
        outcome = "failed" if failed else "success"
        self._remember(USAGE, runs.Run(run, began, time.time() - began, outcome, gone, by, None, visited, failed))

    def _finish_deletions(self) -> None:
        """Go on with what a steward that died had begun: twice a minute, in case nobody asks for it again."""
        if time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + _LOOK
        for deletion in removal.unfinished(self.owner_url):
            try:
                removal.delete_tenant(self.owner_url, deletion=str(deletion))
                _log.info("deletion finished", deletion=str(deletion))
            except (Refused, Away, psycopg.Error) as error:
                _log.warning("deletion not finished", deletion=str(deletion), error=str(error))

    def _serve_requests(self) -> None:
        """Carry out what platform admins asked for, one after the other; the rows tell how it went."""
        if self._database is None or self._database.closed:
            self._database = psycopg.connect(self.owner_url, autocommit=True, connect_timeout=5)
            self._database.execute("listen onyx_steward")  # whoever places a request calls (migrations/platform/0038)
        while (request := claim(self._database, but=SLOW)) is not None:
            _log.info("request served", request=str(request), done=carry_out(self.owner_url, request, SHORT))
            self._taken.set()

    def _rest(self, asked: Stopping) -> None:
        """Half a second; less when somebody places a request. A call that came while we worked is heard here, too."""
        calls = self._database
        try:
            if calls is None or calls.closed:
                asked.wait(_PAUSE)
            elif not list(calls.notifies(timeout=0)):
                asked.wait(_PAUSE, calls)
        except psycopg.Error:
            asked.wait(_PAUSE)  # said when it is asked the next time

    def _serve_long(self, asked: Stopping) -> None:
        """Backups, restores and archives, one after the other; cut off, they are as if they had not begun."""
        looked = 0.0
        while not asked.asked:
            try:
                if time.monotonic() - looked > _LOOK or not looked:
                    halfway.mend(self.owner_url)  # what a steward that died had begun on another machine
                    looked = time.monotonic()
                while not asked.asked and (request := claim_next(self.owner_url, only=SLOW)):
                    done = carry_out(self.owner_url, request, self._long)
                    _log.info("request served", request=str(request), done=done)
            except psycopg.Error as error:
                _log.warning("backups and restores wait for postgresql", error=type(error).__name__)
                time.sleep(_AWAY)
            except Exception:  # a thread that ends would leave every backup undone, and nobody would hear of it
                _log.exception("backups and restores met what they did not expect")
                time.sleep(_AWAY)
            time.sleep(_PAUSE)

    def _go_round(self, name: str, run: str, by: str) -> None:
        """Have the thread for rounds do it, unless it is about to anyway: nobody's request waits for a thousand others."""
        if name not in self._under_way:
            self._under_way.add(name)
            self._wanted.put((name, run, by))

    def _serve_rounds(self, _asked: Stopping) -> None:
        """One round after the other; the schedule brings back what a killed steward, or an error, ended."""
        while True:
            name, run, by = self._wanted.get()
            try:
                self._rounds[name](run, by)
            except psycopg.Error as error:
                _log.warning("postgresql is away: not done", job=name, error=type(error).__name__)
            except Exception:  # as in _serve_long
                _log.exception("a round met what it did not expect", job=name)
            finally:
                self._under_way.discard(name)

    def _prepare_ahead(self, asked: Stopping) -> None:
        """Keep a few tenants prepared: soon after one was taken, never while somebody waits for one to be made."""
        missing = 0
        while not asked.asked:
            if not missing:
                self._taken.wait(_LOOK)
                self._taken.clear()
            time.sleep(_PAUSE)
            try:
                missing = stock.fill(self.owner_url, self._prepared)
            except psycopg.Error as error:
                _log.warning("no tenant prepared", error=said(error))
                missing = 0
            except Exception:  # as above: whoever creates one makes it anew meanwhile
                _log.exception("preparing tenants met what it did not expect")
                missing = 0

    def _take_from_queue(self) -> None:
        queue.beat(self.store, self.process, "steward")
        found = Queue.dequeue_any(
            [self._queue], None, connection=self._queue.connection, serializer=self._queue.serializer
        )
        if found is None:
            self._finish_deletions()  # nothing else to do
            return
        job = found[0]
        name, by = job.args[0], job.meta.get("actor", {}).get("email") or "schedule"
        self.store.call(self.store.client.delete, queue.mark_of(name, None))
        try:
            if name in self._rounds:
                self._go_round(name, job.id, by)
            elif name in PLACED:
                self._place(job.id, name, by)
            else:
                _log.error("the steward does not know this job", job=name)
        finally:
            job.delete()

    def _place(self, run: str, name: str, by: str) -> None:
        """Ask for backups, drills or archives, one request for each organisation; carried out one after the other."""
        began = time.time()
        with psycopg.connect(self.owner_url, autocommit=True, connect_timeout=5) as connection:
            placed = PLACED[name](connection, self._backup_hours)
        self._remember(name, runs.Run(run, began, time.time() - began, "success", placed, by, None, placed, 0))

    def _remember(self, name: str, run: runs.Run) -> None:
        try:
            runs.remember(self.store, name, None, run)
        except Away:
            _log.warning("run not remembered: redis is away", job=name, outcome=run.outcome)


if __name__ == "__main__":
    main()
