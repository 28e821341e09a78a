"""Rows of the logs as the API tells them."""

from typing import Any
from uuid import UUID

from onyx.audit.sentences import sentence, who
from onyx.core.clock import rfc3339
from onyx.core.ids import parse_id


def shown_event(row: Any, people: dict[str, str]) -> dict[str, Any]:
    """An event with its sentence; times are RFC 3339 UTC."""
    return {
        "id": row.event_id,
        "recorded_at": rfc3339(row.recorded_at),
        "occurred_at": rfc3339(row.occurred_at),
        "action": row.action,
        "sentence": sentence(row.action, row.actor, row.targets, people),
        "actor": {"id": row.actor_id, **row.actor, "shown": who(row.actor)},
        "on_behalf_of": row.on_behalf_of,
        "outcome": row.outcome,
        "reason": row.reason,
        "targets": [{**t, "display": t.get("display") or people.get(t.get("id", ""), "")} for t in row.targets],
        "session_id": row.session_id,
        "purpose": row.purpose,
        "ip": row.request.get("ip", ""),
        "request": row.request,
        "changes": row.changes,
        "details": row.details,
    }


def shown_access(row: Any, people: dict[str, str]) -> dict[str, Any]:
    """A line of the access log."""
    return {
        "id": row.id,
        "occurred_at": rfc3339(row.occurred_at),
        "user_id": row.user_id,
        "user": people.get(str(row.user_id), ""),
        "session_id": row.session_id,
        "kind": row.kind,
        "method": row.method,
        "route": row.route,
        "object": row.object,
        "status": row.status,
        "duration_ms": round(row.duration_us / 1000, 2),
        "ip": row.ip,
        "user_agent": row.user_agent,
        "request_id": row.request_id,
    }


def unnamed(found: list[Any]) -> set[UUID]:
    """Ids of people in events that came without a name."""
    targets = (target for row in found for target in row.targets)
    ids = {parse_id(t.get("id")) for t in targets if t.get("type") == "user" and not t.get("display")}
    return {id for id in ids if id is not None}
