"""Login sessions of a whole tenant, for those who may end them; and the receipts of what they ended."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import Cursor, cursor_of, cut
from onyx.core.scope import Scope
from onyx.identity.device import device_of
from onyx.identity.models import LoginSession
from onyx.tenancy.walls import control_plane

ANSWER_WITHIN = 2.0
_ALIVE = """s.state = 'active' and s.expires_at > now()
   and s.last_seen_at + s.idle_seconds * interval '1 second' > now()"""
_PAGE = f"""
select s.id, s.user_id, s.device, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.expires_at,
       u.email, p.display_name
  from login_session s left join app_user u on u.id = s.user_id left join profile p on p.user_id = s.user_id
 where {_ALIVE}
"""
_NAMES = (
    "id",
    "user_id",
    "email",
    "display_name",
    "device",
    "ip",
    "user_agent",
    "created_at",
    "last_seen_at",
    "expires_at",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sessions; empty parts do not count. `ip` is a beginning, `device` a part, `q` a part of e-mail or name,
    `older` and `younger` the seconds since the sign-in.
    """

    user: UUID | None = None
    ip: str = ""
    device: str = ""
    q: str = ""
    older: int = 0
    younger: int = 0


def live_sessions(
    session: Session, actor: Actor, wanted: Filter, size: int, after: Cursor | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the tenant's live sessions, newest first, each with its person."""
    more, values = _conditions(wanted, after)
    statement = f"{_PAGE}{more} order by s.created_at desc, s.id desc limit %s"
    found, following = cut(rows(session, statement, *values, size + 1), size, cursor_of)
    shown = [{name: getattr(row, name) for name in _NAMES} | {"current": row.id == actor.session_id} for row in found]
    return shown, following


def timeline(session: Session, row: LoginSession) -> list[dict[str, Any]]:
    """What a session did, as far as administrators may know: lines of session_timeline() (migrations/tenant)."""
    found = rows(session, "select * from session_timeline(%s, %s, %s)", row.user_id, row.id, row.created_at)
    return [
        {
            "at": line.at, "last_at": line.last_at, "what": line.what, "times": line.times, "ip": line.ip or "",
            "device": device_of(line.user_agent or ""), "reason": line.reason,
        }
        for line in found
    ]  # fmt: skip


def count_live(session: Session) -> int:
    """How many sessions are live; counting stops at 100 000."""
    statement = f"select count(*) from (select 1 from login_session s where {_ALIVE} limit 100000) as alive"
    return int(rows(session, statement)[0][0])


def revocation(actor: Actor, id: UUID, anywhere: bool) -> Any | None:
    """The row of a revocation: of the actor's tenant, or of any for the platform; None when it is not theirs."""
    with control_plane(Scope(actor.tenant_id, "job:control")) as connection:
        found = connection.exec_driver_sql(
            "select id, kind, reason, created_at from revocation where id = %s and (tenant_id = %s or %s)",
            (id, actor.tenant_id, anywhere),
        ).all()
    return found[0] if found else None


def receipt(row: Any, seen: dict[str, Any]) -> dict[str, Any]:
    """Which processes obeyed a revocation, after how many ms; one that does not within two seconds is red (S5)."""
    began: datetime = row.created_at
    age = (datetime.now(UTC) - began).total_seconds()
    acknowledged: dict[str, float] = seen["acknowledged"]
    processes = []
    for name in sorted({*seen["alive"], *acknowledged}):
        at = acknowledged.get(name)
        state = "acknowledged" if at else ("red" if age > ANSWER_WITHIN else "waiting")
        took = None if at is None else max(0, round((at - began.timestamp()) * 1000))
        processes.append({"process": name, "state": state, "milliseconds": took})
    times = [item["milliseconds"] for item in processes if item["milliseconds"] is not None]
    return {
        "id": row.id,
        "kind": row.kind,
        "reason": row.reason,
        "at": began,
        "processes": processes,
        "alive": len(processes),
        "acknowledged": len(times),
        "milliseconds": max(times, default=None),
        "complete": len(times) == len(processes) and bool(processes),
    }


def _conditions(wanted: Filter, after: Cursor | None) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    if wanted.user is not None:
        parts.append(" and s.user_id = %s")
        values.append(wanted.user)
    if wanted.ip:
        parts.append(" and starts_with(s.ip, %s)")
        values.append(wanted.ip)
    if wanted.device:
        parts.append(" and position(lower(%s) in lower(s.device)) > 0")
        values.append(wanted.device)
    if wanted.q:
        parts.append(" and (position(lower(%s) in u.email) > 0 or position(lower(%s) in lower(p.display_name)) > 0)")
        values += [wanted.q, wanted.q]
    if wanted.older:
        parts.append(" and s.created_at < now() - %s * interval '1 second'")
        values.append(wanted.older)
    if wanted.younger:
        parts.append(" and s.created_at > now() - %s * interval '1 second'")
        values.append(wanted.younger)
    if after is not None:
        parts.append(" and (s.created_at, s.id) < (%s, %s)")
        values += [*after]
    return "".join(parts), values
