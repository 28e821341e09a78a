"""What jobs did, kept in Redis for people to see: the last runs, and how far the present one is.

A tenant's runs lie under the tenant's keys and are shown to its admins; what concerns the whole installation lies
under `onyx:` for platform admins. Losing it loses a view, nothing else: effects stand in the trail.
"""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from .store import Store, key

KEPT = 50
_KEPT_SECONDS = 30 * 86_400
_NOW_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run; times are Unix seconds, `error` is the class of what went wrong, never its text."""

    id: str
    started_at: float
    seconds: float
    outcome: str
    effects: int
    started_by: str
    error: str | None = None
    tenants: int | None = None
    failed: int | None = None


def remember(store: Store, name: str, tenant: UUID | None, run: Run) -> None:
    """Put a finished run before the older ones, and clear the progress. Raises Away."""
    pipe = store.client.pipeline(transaction=False)
    made = _key(name, tenant, "runs")
    pipe.lpush(made, json.dumps(asdict(run), separators=(",", ":")))
    pipe.ltrim(made, 0, KEPT - 1)
    pipe.expire(made, _KEPT_SECONDS)
    pipe.delete(_key(name, tenant, "now"))
    store.call(pipe.execute)


def progress(store: Store, name: str, tenant: UUID | None, id: str, done: int, total: int, by: str) -> None:
    """Say how far the present run is; forgotten after two silent minutes. Raises Away."""
    told = {"id": id, "done": done, "total": total, "at": time.time(), "started_by": by}
    store.call(store.client.set, _key(name, tenant, "now"), json.dumps(told), ex=_NOW_SECONDS)


def seen(store: Store, names: list[str], tenant: UUID | None) -> dict[str, dict[str, Any]]:
    """For each name: `runs` (newest first), `now` (or None) and whether one is `waiting`. Raises Away."""
    pipe = store.client.pipeline(transaction=False)
    for name in names:
        pipe.lrange(_key(name, tenant, "runs"), 0, KEPT - 1)
        pipe.get(_key(name, tenant, "now"))
        pipe.exists(_key(name, tenant, "waiting"))
    found = iter(store.call(pipe.execute))
    return {
        name: {
            "runs": [json.loads(text) for text in runs],
            "now": json.loads(now) if now else None,
            "waiting": bool(waiting),
        }
        for name, runs, now, waiting in zip(names, found, found, found, strict=True)
    }


def last_outcome(store: Store, name: str, tenant: UUID | None) -> str | None:
    """How the newest run ended. Raises Away."""
    text = store.call(store.client.lindex, _key(name, tenant, "runs"), 0)
    return json.loads(text)["outcome"] if text else None


def _key(name: str, tenant: UUID | None, what: str) -> str:
    return key(tenant, "job", name, what) if tenant else f"onyx:job:{name}:{what}"
