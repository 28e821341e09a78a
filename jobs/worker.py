"""`python -m jobs.worker`: takes jobs from the queue `default`, one at a time, until SIGTERM; start as many as you like.

No fork for each job: the process is small, its database connections stay warm, and one that dies is started again.
What a killed worker had begun is found by the others within seconds and done again.
"""

import importlib
import logging
import threading
import time
from types import FrameType
from typing import Any

import redis
import structlog
from flask import Flask
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from onyx.app import create_app
from onyx.edge import new_events, queue, strays
from onyx.edge.state import State
from onyx.edge.store import Away
from onyx.tenancy import boot_check

from .stopping import Stopping

MODULES = (
    "erasures",
    "isolation",
    "keys",
    "mail",
    "receipts",
    "replies",
    "retention",
    "roles",
    "seals",
    "sessions",
    "upkeep",
)
FEATURES = ()  # of the web: jobs stand on what lies below it
_log = structlog.get_logger()


class Worker(SimpleWorker):
    """RQ's worker, with the application's context around each job."""

    app: Flask
    stopping: Stopping
    max_connection_wait_time = 2

    def perform_job(self, *what: Any) -> bool:
        with self.app.app_context():
            return super().perform_job(*what)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping.ask()
        super().request_stop(signum, frame)


def main() -> None:
    """Work until asked to stop; a Redis that goes away is waited for."""
    app = create_app(features=FEATURES)
    with app.app_context():
        boot_check.require_walls()
    for module in MODULES:
        importlib.import_module(f"jobs.{module}")
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    state: State = app.extensions["onyx"]
    url = state.settings.redis_rq_url or state.settings.redis_url
    asked = Stopping()
    strays.start(app)
    state.bus.start(app)  # a stopped answer, an ended session: heard here as well
    new_events.start(app)
    threading.Thread(target=_live, args=(state, url, asked), daemon=True, name="live").start()
    while not asked.asked:
        try:
            _work(app, state, url, asked)
        except (redis.RedisError, OSError) as error:
            _log.warning("redis is away: the worker waits for it", error=str(error)[:200])
        if not asked.asked:
            asked.wait(1)


def _work(app: Flask, state: State, url: str, asked: Stopping) -> None:
    """One registration with Redis: ends when asked to stop (the running job first) or when Redis goes."""
    with queue.connect(url) as connection:
        wanted = [queue.queue("default", connection)]
        worker = Worker(
            wanted, name=f"{state.bus.process}-{time.time_ns():x}", connection=connection, serializer=JSONSerializer,
            log_job_description=False, maintenance_interval=60,
        )  # fmt: skip
        worker.app, worker.stopping = app, asked
        worker.work(logging_level="WARNING")


def _live(state: State, url: str, asked: Stopping) -> None:
    """Say every two seconds that this worker lives, and give back what dead ones had begun."""
    while True:
        try:
            queue.beat(state.store, state.bus.process, "worker")
            with queue.connect(url) as connection:
                reclaim(state, connection)
        except (Away, redis.RedisError):
            pass
        if asked.wait(2):
            return


def reclaim(state: State, connection: redis.Redis) -> int:
    """Put jobs that a dead worker had begun back into their queue; returns how many."""
    wanted = queue.queue("default", connection)
    begun = StartedJobRegistry(queue=wanted)
    living = {process["name"] for process in queue.alive(state.store)}
    back = 0
    for id in begun.get_job_ids(cleanup=False):
        found = Job.fetch_many([id], connection=connection, serializer=JSONSerializer)[0]
        worker = (found.worker_name or "").rpartition("-")[0] if found else ""
        if found is None or not worker or worker in living:
            continue
        # Whoever removes the entry puts the job back: several workers look at the same time.
        if connection.zrem(begun.key, *_executions(connection, begun.key, id)):
            _log.warning("a worker died at its job: it is done again", job=found.description, run=id)
            back += _again(wanted, found)
    return back


def _again(wanted: Queue, found: Job) -> int:
    """Queue a job once more, three times at most: one that kills whoever does it must not kill for ever."""
    found.meta["attempts"] = int(found.meta.get("attempts", 0)) + 1
    if found.meta["attempts"] > 3:
        _log.error("a job killed its worker three times: it is given up", job=found.description, run=found.id)
        found.delete()
        return 0
    found.save_meta()
    wanted.enqueue_job(found)
    return 1


def _executions(connection: redis.Redis, key: str, id: str) -> list[bytes]:
    """The registry's members for a job: `job` or `job:execution`."""
    members: Any = connection.zrange(key, 0, -1)
    return [member for member in members if member.decode().partition(":")[0] == id]


if __name__ == "__main__":
    main()
