"""The numbers of all processes, added up in Redis for each tenant and for the whole, and shown each second (M1).

Counters lie in hashes by second, ten seconds and hour, and die by themselves. One process a second works the board
out, only for tenants that somebody watches, and pushes it to their rooms.
"""

import threading
import time
from collections import Counter, defaultdict
from itertools import chain
from typing import Any
from uuid import UUID

import structlog
from flask import Flask

from onyx.core.db import unit_of_work
from onyx.core.scope import Scope, tenant_scope
from onyx.edge.live import push
from onyx.edge.open_sockets import sockets_here
from onyx.edge.queue import QUEUES
from onyx.edge.state import state
from onyx.edge.store import Away, key
from onyx.tenancy.live_sessions import signed_in_everywhere

from . import counters, machine, queries

_log = structlog.get_logger()
WATCHED = "onyx:watched"
_SPANS = (("s", 1, 30), ("t", 10, 120), ("h", 3600, 7200))
# One command for each tenant: by itself every number would be three, and a thousand tenants ten thousand in a second.
_ADD = """
for place = 1, #KEYS do
  for field = #KEYS + 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[place], ARGV[field], ARGV[field + 1]) end
  redis.call('EXPIRE', KEYS[place], ARGV[place])
end
"""
MOST_COUNTED = 4096  # tenants; whoever is forgotten is counted once more
_live_sessions: dict[UUID | None, tuple[float, int]] = {}


def room(tenant: UUID | None) -> str:
    """Those who watch a tenant's numbers; None: the platform's."""
    return f"t:{tenant}:live" if tenant else "onyx:live"


def start(app: Flask) -> None:
    """Flush and show every second, in a daemon thread (a greenlet under gevent)."""

    def run() -> None:
        while True:
            time.sleep(1 - time.time() % 1)
            try:
                with app.app_context():
                    _tick(int(time.time()))
            except Away:
                pass
            except Exception:
                _log.exception("live numbers not shown")

    threading.Thread(target=run, daemon=True, name="board").start()


def summary(tenant: UUID | None) -> dict[str, Any]:
    """The board of a tenant, or of all for None. Raises Away."""
    now = int(time.time())
    spans = _read(tenant, now)
    second, minute, hour = spans["s"], spans["t"], spans["h"]
    cpu, memory = machine.load()
    return {
        "at": now,
        "scope": "tenant" if tenant else "platform",
        "active_sessions": _signed_in(tenant),
        "sockets": _sockets(tenant, now),
        "requests_per_second": second.get("requests", 0),
        "messages_per_minute": minute.get("messages", 0),
        "latency_p50": counters.percentile(minute, 0.5),
        "latency_p95": counters.percentile(minute, 0.95),
        "logins": hour.get("logins", 0),
        "failures": hour.get("failures", 0),
        "denied": hour.get("denied", 0),
        "errors": hour.get("errors", 0),
        "cpu": cpu,
        "memory": memory,
        "queued": _queued(),
    }


def _tick(now: int) -> None:
    _flush(now)
    here = state().store
    watched = _watch(now)
    if watched and here.call(here.client.set, f"onyx:board:{now}", "1", nx=True, ex=5):
        for tenant in watched:
            push(room(tenant), "stats", summary(tenant), namespace="/live")


def _flush(now: int) -> None:
    counted = counters.taken()
    total: Counter[str] = Counter()
    for numbers in counted.values():
        total.update(numbers)
    pipe = state().store.client.pipeline(transaction=False)
    add = pipe.register_script(_ADD)
    lives = [life for _, _, life in _SPANS]
    for tenant, numbers in [*counted.items(), (None, total)]:
        places = [_key(tenant, "stats", name, now // size) for name, size, _ in _SPANS]
        values: list[Any] = [*lives, *chain.from_iterable(numbers.items())]
        add(places, values)
    open_now = Counter(socket.tenant for socket in sockets_here())
    for tenant, count in [*open_now.items(), (None, sum(open_now.values()))]:
        place = _key(tenant, "sockets")
        pipe.hset(place, state().bus.process, f"{count} {now}")
        pipe.expire(place, 60)
    state().store.call(pipe.execute)


def _watch(now: int) -> list[UUID | None]:
    """Say whom this process's sockets watch; returns whom anybody watches."""
    store = state().store
    mine = {str(socket.tenant) for socket in sockets_here() if socket.namespace == "/live"}
    platform = state().platform
    if mine:
        store.call(store.client.zadd, WATCHED, dict.fromkeys(mine, now))
    store.call(store.client.zremrangebyscore, WATCHED, "-inf", now - 4)
    found: list[UUID | None] = [UUID(name.decode()) for name in store.call(store.client.zrange, WATCHED, 0, -1)]
    return [*found, None] if platform in found else found


def _read(tenant: UUID | None, now: int) -> dict[str, Counter[str]]:
    """Sums of the last whole second that every process has told of, of the last minute, and of this hour."""
    wanted = [("s", now - 2)] + [("t", now // 10 - back) for back in range(6)] + [("h", now // 3600)]
    store = state().store
    pipe = store.client.pipeline(transaction=False)
    for name, number in wanted:
        pipe.hgetall(_key(tenant, "stats", name, number))
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (name, _), fields in zip(wanted, store.call(pipe.execute), strict=True):
        sums[name].update({field.decode(): int(value) for field, value in fields.items()})
    return sums


def _sockets(tenant: UUID | None, now: int) -> int:
    store = state().store
    told = store.call(store.client.hvals, _key(tenant, "sockets"))
    return sum(int(count) for count, at in (value.split() for value in told) if int(at) >= now - 4)


def _signed_in(tenant: UUID | None) -> int:
    """Live sessions: a tenant's counted every two seconds at most, all tenants' in the control plane's list every ten."""
    at, count = _live_sessions.get(tenant, (0.0, 0))
    if time.monotonic() - at >= (2 if tenant else 10):
        count = _counted(tenant)
        if len(_live_sessions) >= MOST_COUNTED:
            _live_sessions.clear()
        _live_sessions[tenant] = (time.monotonic(), count)
    return count


def _counted(tenant: UUID | None) -> int:
    if tenant is None:
        return signed_in_everywhere(Scope(state().platform, "platform"))
    with tenant_scope(tenant, "job:sessions"), unit_of_work() as session:
        return queries.count_live(session)


def _queued() -> int:
    store = state().store
    pipe = store.client.pipeline(transaction=False)
    for name in QUEUES:
        pipe.llen(f"rq:queue:{name}")
    return sum(store.call(pipe.execute))


def _key(tenant: UUID | None, *name: object) -> str:
    return key(tenant, *name) if tenant else ":".join(["onyx", *map(str, name)])
