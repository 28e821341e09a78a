"""`python -m jobs.schedule`: places each job of onyx.work.table in its queue when its time has come.

Any number may run: one leads by a lock of ten seconds in Redis, which another takes over when the leader dies. When
each job is due next lies in Redis, so that a new leader goes on where the old one ended; a lost Redis makes everything
due once. A job placed twice does no harm: it is idempotent and runs under a lease.
"""

import os
import socket
import time
from uuid import UUID

import psycopg
import redis
import structlog

from config.logging import configure_logging
from config.settings import data_folder, load
from onyx import embedded
from onyx.edge import queue
from onyx.edge.store import Away, Store
from onyx.work.table import TABLE

from .stopping import Stopping

_log = structlog.get_logger()
LEADER = "onyx:job:leader"
NEXT = "onyx:job:next"
LEAD_SECONDS = 10

_LEAD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
# Move a job's next time forward only while leading and only from what was read: of two leaders one places it.
_ADVANCE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local at = redis.call('HGET', KEYS[2], ARGV[2])
if at and tonumber(at) > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
return 1
"""


def main() -> None:
    """Lead or stand by until SIGTERM."""
    configure_logging()
    settings = load(embedded.urls(data_folder()))
    asked = Stopping()
    process = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
    store = Store(settings.redis_cache_url or settings.redis_url)
    platform = _platform(settings.database_url, asked)
    if platform is None:
        return
    with queue.connect(settings.redis_rq_url or settings.redis_url) as connection:
        while not asked.wait(0.5):
            try:
                tick(store, connection, process, platform)
            except (Away, redis.RedisError, queue.NoQueue) as error:
                _log.warning("redis is away: nothing is scheduled", error=type(error).__name__)
                asked.wait(1)
        resign(store, process)


def tick(store: Store, connection: redis.Redis, process: str, platform: UUID) -> list[str]:
    """Place what is due, if this process leads; returns the names placed. Raises Away and NoQueue."""
    leads = bool(store.run(_LEAD, [LEADER], [process, LEAD_SECONDS]))
    queue.beat(store, process, "scheduler" if leads else "scheduler (standing by)")
    if not leads:
        return []
    planned = store.call(store.client.hgetall, NEXT)
    placed = []
    for entry in TABLE:
        now = time.time()
        if now < float(planned.get(entry.name.encode(), 0)):
            continue
        if store.run(_ADVANCE, [LEADER, NEXT], [process, entry.name, now, now + entry.every]):
            try:
                mark = queue.mark_of(entry.name, None)
                queue.place(connection, entry.queue, entry.name, platform, {"kind": "schedule"}, mark)
            except queue.AlreadyWaiting:
                continue
            placed.append(entry.name)
    return placed


def resign(store: Store, process: str) -> None:
    """Let another lead at once."""
    try:
        store.run("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end", [LEADER], [process])
    except Away:
        return


def _platform(database_url: str, asked: Stopping) -> UUID | None:
    """The platform's own tenant, in whose name the schedule acts; waits for PostgreSQL."""
    while not asked.asked:
        try:
            with psycopg.connect(database_url, connect_timeout=5) as connection:
                row = connection.execute("select onyx.platform_id()").fetchone()
                if row and row[0]:
                    return UUID(str(row[0]))
        except psycopg.Error as error:
            _log.warning("postgresql is away: the scheduler waits for it", error=type(error).__name__)
        asked.wait(1)
    return None


if __name__ == "__main__":
    main()
