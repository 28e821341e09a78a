"""What the page of jobs shows, put together from the table and from Redis."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from onyx.core.clock import rfc3339
from onyx.core.errors import Unavailable
from onyx.edge import queue, runs
from onyx.edge.state import state
from onyx.edge.store import Away

from . import ordering
from .table import TABLE, Entry

_NEXT = "onyx:job:next"
_SHOWN = 20


def visible(place: UUID | None) -> list[Entry]:
    """The jobs that concern a tenant, or all of them for the installation (None)."""
    return [entry for entry in TABLE if place is None or entry.reach == "tenants"]


def overview(place: UUID | None) -> dict[str, Any]:
    """Jobs, queues and processes. Raises Unavailable when Redis is away: nothing is known then."""
    entries, store = visible(place), state().store
    try:
        seen = runs.seen(store, [entry.name for entry in entries], place)
        planned = store.call(store.client.hgetall, _NEXT)
        processes = queue.alive(store)
        waiting = queue.lengths(ordering.connection())
    except (Away, queue.NoQueue):
        raise Unavailable("The state of the jobs lies in Redis, which is away. They go on when it is back.") from None
    roles = sorted(process["role"] for process in processes)
    return {
        "jobs": [_shown(entry, seen[entry.name], planned.get(entry.name.encode())) for entry in entries],
        "workers": roles.count("worker"),
        "scheduler": "scheduler" in roles,
        "steward": "steward" in roles,
        # How much others have waiting is no tenant's business.
        "queues": waiting if place is None else None,
        "processes": processes if place is None else None,
    }


def _shown(entry: Entry, seen: dict[str, Any], planned: bytes | None) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "what": entry.what,
        "every_seconds": entry.every,
        "queue": entry.queue,
        "reach": entry.reach,
        "next_at": _at(float(planned)) if planned else None,
        "waiting": seen["waiting"],
        "running": _running(seen["now"]),
        "runs": [_run(one) for one in seen["runs"][:_SHOWN]],
    }


def _running(now_: dict[str, Any] | None) -> dict[str, Any] | None:
    if now_ is None:
        return None
    return {"id": now_["id"], "done": now_["done"], "total": now_["total"], "started_by": now_["started_by"]}


def _run(one: dict[str, Any]) -> dict[str, Any]:
    shown = {**one, "started_at": _at(one["started_at"]), "duration_ms": round(one["seconds"] * 1000, 1)}
    del shown["seconds"]
    return shown


def _at(seconds: float) -> str | None:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
