"""What one login session did, for administrators: when, from where and with what, never what for (S4)."""

from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.edge.http import requires
from onyx.identity.device import device_of
from onyx.identity.models import LoginSession

from . import queries

blueprint = Blueprint("timeline", __name__)


@blueprint.get("/api/v1/live-sessions/<session_id>/timeline")
@requires(Permission.SESSIONS_READ, of=queries.any_session)
def timeline(_actor: Actor, session: Session, any_session: LoginSession) -> list[dict[str, Any]]:
    """Sign-in, renewals, end, and the addresses and programs that used it, oldest first; never what for."""
    return lines(session, any_session)


def lines(session: Session, row: LoginSession) -> list[dict[str, Any]]:
    """What a session did, as far as administrators may know: lines of session_timeline() (migrations/tenant)."""
    found = rows(session, "select * from session_timeline(%s, %s, %s)", row.user_id, row.id, row.created_at)
    return [
        {
            "at": line.at, "last_at": line.last_at, "what": line.what, "times": line.times, "ip": line.ip or "",
            "device": device_of(line.user_agent or ""), "reason": line.reason,
        }
        for line in found
    ]  # fmt: skip
