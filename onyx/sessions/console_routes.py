"""Live sessions of a tenant over HTTP: seeing them, ending one, some or all, and the receipt (S4, S5)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.ending import end, end_all_of, end_everybody
from onyx.access.freshness import must_be_fresh
from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound, Unavailable
from onyx.core.ids import parse_id
from onyx.core.pages import parse_cursor
from onyx.edge.http import Page, body, query_int, requires
from onyx.edge.state import state
from onyx.edge.store import Away
from onyx.identity.models import LoginSession

from . import console_queries, queries
from .console_forms import Revocation

blueprint = Blueprint("live_sessions", __name__)


@blueprint.get("/api/v1/live-sessions")
@requires(Permission.SESSIONS_READ)
def live_sessions(actor: Actor, session: Session) -> Page:
    after = parse_cursor(request.args.get("after"))
    size = query_int("limit", 50, 1, 200)
    return Page(*console_queries.live_sessions(session, actor, wanted_sessions(), size, after))


@blueprint.get("/api/v1/live-sessions/<session_id>/timeline")
@requires(Permission.SESSIONS_READ, of=queries.any_session)
def timeline(_actor: Actor, session: Session, any_session: LoginSession) -> list[dict[str, Any]]:
    """Sign-in, renewals, end, and the addresses and programs that used it, oldest first; never what for."""
    return console_queries.timeline(session, any_session)


@blueprint.delete("/api/v1/live-sessions/<session_id>")
@requires(Permission.SESSIONS_REVOKE, of=queries.live_session)
def end_one(actor: Actor, session: Session, live_session: LoginSession) -> dict[str, Any]:
    return {"ended": 1, "revocation": end(session, actor, live_session, "revoked", "revoked_by_admin")}


@blueprint.post("/api/v1/live-sessions/revoke")
@requires(Permission.SESSIONS_REVOKE, limit="60/minute")
def revoke(actor: Actor, session: Session) -> dict[str, Any]:
    wanted = body(Revocation)
    if wanted.all:
        must_be_fresh(session, actor)
    return end_some(session, actor, wanted)


@blueprint.get("/api/v1/revocations/<revocation_id>")
@requires(Permission.SESSIONS_READ)
def receipt(actor: Actor, _session: Session, revocation_id: UUID) -> dict[str, Any]:
    row = console_queries.revocation(actor, revocation_id, anywhere=actor.may(Permission.TENANTS_READ))
    if row is None:
        raise NotFound()
    try:
        return console_queries.receipt(row, state().bus.receipt(revocation_id))
    except Away:
        raise Unavailable(
            "Receipts are kept in Redis, which is away. Every process still obeys within a second."
        ) from None


def wanted_sessions() -> console_queries.Filter:
    """The filter of the query string; an unknown person matches nobody."""
    user = request.args.get("user_id") or request.args.get("user") or ""
    return console_queries.Filter(
        user=(parse_id(user) or UUID(int=0)) if user else None,
        ip=request.args.get("ip", "")[:60],
        device=request.args.get("device", "")[:80],
        q=request.args.get("q", "")[:200],
        older=query_int("older_than", 0, 0, 999_999_999),
        younger=query_int("younger_than", 0, 0, 999_999_999),
    )


def end_some(session: Session, actor: Actor, wanted: Revocation) -> dict[str, Any]:
    """End all sessions of one person, or of everybody but the one who asks."""
    if wanted.user_id is not None:
        own = actor.session_id if wanted.user_id == actor.user_id else None
        ended = end_all_of(session, actor, wanted.user_id, "revoked_by_admin", keep=own)
        return {"ended": len(ended), "revocations": ended}
    count, notice = end_everybody(session, actor, "revoked_by_admin", keep=actor.session_id)
    return {"ended": count, "revocations": [notice] if notice else []}
