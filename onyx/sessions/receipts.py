"""Revocations and their receipts, as administrators read them (S5)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from onyx.core.actor import Actor
from onyx.core.scope import Scope
from onyx.tenancy.walls import control_plane

ANSWER_WITHIN = 2.0
TROUBLE = (
    "Redis, which keeps receipts, is away. Every process finds this revocation in PostgreSQL within a second;"
    " Onyx asks again for their answers when Redis is back."
)


def revocation(actor: Actor, id: UUID, anywhere: bool) -> Any | None:
    """The row of a revocation: of the actor's tenant, or of any for the platform; None when it is not theirs."""
    with control_plane(Scope(actor.tenant_id, "job:control")) as connection:
        found = connection.exec_driver_sql(
            "select id, tenant_id, kind, subject_id, reason, created_at, told_at, settled_at, tries from revocation"
            " where id = %s and (tenant_id = %s or %s)",
            (id, actor.tenant_id, anywhere),
        ).all()
    return found[0] if found else None


def receipt(row: Any, acknowledged: dict[str, float], failed: dict[str, str], asked: set[str]) -> dict[str, Any]:
    """Which processes obeyed, when, and after how many ms; one that does not within two seconds is red."""
    late = (datetime.now(UTC) - row.created_at).total_seconds() > ANSWER_WITHIN
    processes = [
        _process(row, name, acknowledged.get(name), failed.get(name), late) for name in sorted({*asked, *acknowledged})
    ]
    times = [item["milliseconds"] for item in processes if item["milliseconds"] is not None]
    complete = bool(processes) and len(times) == len(processes)
    return _head(row) | {
        "state": "done" if complete else ("red" if late else "waiting"),
        "processes": processes,
        "alive": len(processes),
        "acknowledged": len(times),
        "milliseconds": max(times, default=None),
        "complete": complete,
        "trouble": None,
    }


def unknown(row: Any) -> dict[str, Any]:
    """The receipt while nobody can say who obeyed: a failure that is told, not an empty success (F33)."""
    return _head(row) | {
        "state": "red",
        "processes": [],
        "alive": 0,
        "acknowledged": 0,
        "milliseconds": None,
        "complete": False,
        "trouble": TROUBLE,
    }


def _head(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "reason": row.reason,
        "at": row.created_at,
        "told_at": row.told_at,
        "settled_at": row.settled_at,
        "tries": row.tries,
    }


def _process(row: Any, name: str, at: float | None, failed: str | None, late: bool) -> dict[str, Any]:
    state = "acknowledged" if at else ("red" if late or failed else "waiting")
    took = None if at is None else max(0, round((at - row.created_at.timestamp()) * 1000))
    when = None if at is None else datetime.fromtimestamp(at, UTC)
    return {"process": name, "state": state, "milliseconds": took, "at": when, "error": None if at else failed}
