"""What one login session did, for administrators: when, from where, which chats by their ids; never what for (S4)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.visiting import visiting
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import NotFound
from onyx.core.ids import parse_id
from onyx.core.scope import current_scope
from onyx.edge.http import requires
from onyx.identity.device import device_of
from onyx.identity.models import LoginSession
from onyx.tenancy.listing import tenant

from . import platform_queries, queries

blueprint = Blueprint("timeline", __name__)


@blueprint.get("/api/v1/live-sessions/<session_id>/timeline")
@requires(Permission.SESSIONS_READ, of=queries.any_session)
def timeline(_actor: Actor, session: Session, any_session: LoginSession) -> list[dict[str, Any]]:
    """Sign-in, renewals, end, sockets, addresses and programs, chats opened and exported by their ids, oldest first."""
    return lines(session, any_session)


@blueprint.get("/api/v1/platform/live-sessions/<session_id>/timeline")
@requires(Permission.TENANTS_READ)
def timeline_anywhere(actor: Actor, _session: Session, session_id: UUID) -> list[dict[str, Any]]:
    """The same in any organisation; `?tenant_id=` names it, as it must for a session that is over."""
    named = parse_id(request.args.get("tenant_id"))
    for id in [named] if named else platform_queries.where([session_id]):
        place = tenant(current_scope(), id)
        if place is None or place.status == "provisioning":
            continue
        with visiting(actor, place.id, place.slug, place.name) as (inside, visitor):
            row = queries.any_session(inside, visitor, session_id)
            if row is not None:
                return lines(inside, row)
    raise NotFound()


def lines(session: Session, row: LoginSession) -> list[dict[str, Any]]:
    """What a session did, as far as administrators may know: lines of session_timeline() (migrations/tenant)."""
    found = rows(session, "select * from session_timeline(%s, %s, %s)", row.user_id, row.id, row.created_at)
    return [
        {
            "at": line.at, "last_at": line.last_at, "what": line.what, "times": line.times, "object": line.object,
            "ip": line.ip or "",
            "device": device_of(line.user_agent or ""), "reason": line.reason,
        }
        for line in found
    ]  # fmt: skip
