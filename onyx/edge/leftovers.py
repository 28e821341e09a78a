"""What Redis holds of a tenant that is being deleted: its keys, and its jobs in the queues."""

from collections.abc import Iterator
from uuid import UUID

import redis
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry

from . import queue
from .store import Store, key

_BATCH = 1000


def forget_tenant(store: Store, queues: redis.Redis, tenant: UUID) -> tuple[int, int]:
    """Remove all keys and jobs of a tenant; returns how many of each. Raises Away, or RedisError of the queues'."""
    removed = 0
    names: list[bytes] = []
    for name in store.call(lambda: list(store.client.scan_iter(f"{key(tenant, 'x')[:-1]}*", count=_BATCH))):
        names.append(name)
        if len(names) == _BATCH:
            removed += store.call(store.client.unlink, *names)
            names.clear()
    if names:
        removed += store.call(store.client.unlink, *names)
    return removed, _forget_jobs(queues, tenant)


def _forget_jobs(queues: redis.Redis, tenant: UUID) -> int:
    gone = 0
    for job in _jobs(queues):
        if job.meta.get("tenant") == tenant.hex:
            job.delete()
            gone += 1
    return gone


def _jobs(queues: redis.Redis) -> Iterator[Job]:
    for name in queue.QUEUES:
        waiting = queue.queue(name, queues)
        ids = [*waiting.job_ids, *FailedJobRegistry(queue=waiting).get_job_ids(cleanup=False)]
        ids += StartedJobRegistry(queue=waiting).get_job_ids(cleanup=False)
        found = Job.fetch_many(ids, connection=queues, serializer=waiting.serializer)
        yield from (job for job in found if job is not None)
