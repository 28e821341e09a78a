"""The queues' way in: a job is a name, a tenant and whoever asked; without tenant and actor it is refused (T8).

Arguments are ids and words in JSON, never pickles: whoever can write to Redis must not be able to run code.
"""

import json
import time
from typing import Any
from uuid import UUID

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from onyx.core.ids import uuid7

from .store import Store, key

QUEUES = ("default", "steward")
PROCESSES = "onyx:job:processes"
WAITING_SECONDS = 300
_TIMEOUT = 600


class AlreadyWaiting(Exception):
    """The same job waits for the same tenant already; once is enough."""


class NoQueue(Exception):
    """Redis is away: nothing can be asked for now."""


def connect(url: str) -> redis.Redis:
    """A client of its own for queues: RQ waits on it for longer than a cache may take."""
    return redis.Redis.from_url(url, socket_timeout=None, socket_connect_timeout=5, health_check_interval=15)


def queue(name: str, connection: redis.Redis) -> Queue:
    return Queue(name, connection=connection, serializer=JSONSerializer, default_timeout=_TIMEOUT)


def place(connection: redis.Redis, queue_name: str, name: str, tenant: UUID, actor: dict[str, Any], mark: str) -> str:
    """Put a job into a queue unless the same one waits there; returns the run's id.

    `actor` says who asked: `{"kind": "schedule"}`, or kind `user` with user, session and email. `mark` is the key that
    tells that one is waiting. Raises AlreadyWaiting and NoQueue.
    """
    run = uuid7().hex
    try:
        if not connection.set(mark, run, nx=True, ex=WAITING_SECONDS):
            raise AlreadyWaiting
        queue(queue_name, connection).enqueue_call(
            "jobs.runner.perform",
            args=(name,),
            meta={"tenant": tenant.hex, "actor": actor, "mark": mark},
            job_id=run,
            result_ttl=0,
            failure_ttl=3600,
            description=name,
        )
    except redis.RedisError as error:
        raise NoQueue from error
    return run


def mark_of(name: str, tenant: UUID | None) -> str:
    """The key that stands while a job waits: of one tenant, or of the whole installation."""
    return key(tenant, "job", name, "waiting") if tenant else f"onyx:job:{name}:waiting"


def lengths(connection: redis.Redis) -> dict[str, int]:
    """How many jobs wait in each queue. Raises NoQueue."""
    try:
        return {name: queue(name, connection).count for name in QUEUES}
    except redis.RedisError as error:
        raise NoQueue from error


def beat(store: Store, process: str, role: str) -> None:
    """Say that a process of the job system is alive; it counts as dead ten seconds after its last word. Raises Away."""
    pipe = store.client.pipeline(transaction=False)
    pipe.zadd(PROCESSES, {json.dumps([role, process]): time.time()})
    pipe.zremrangebyscore(PROCESSES, "-inf", time.time() - 60)
    store.call(pipe.execute)


def alive(store: Store) -> list[dict[str, str]]:
    """The living processes of the job system: role and name. Raises Away."""
    found = store.call(store.client.zrangebyscore, PROCESSES, time.time() - 10, "+inf")
    return [{"role": role, "name": name} for role, name in sorted(map(json.loads, found))]
