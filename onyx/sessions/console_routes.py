"""Live sessions of a tenant over HTTP: seeing them, ending one, some or all (S4)."""

from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.ending import end, end_all_of, end_everybody, end_found, end_these
from onyx.access.freshness import must_be_fresh
from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.core.pages import parse_cursor
from onyx.edge.http import Page, body, query_int, requires
from onyx.identity.models import LoginSession

from . import console_queries, queries
from .console_forms import Revocation
from .wanted import from_body, from_query

blueprint = Blueprint("live_sessions", __name__)


@blueprint.get("/api/v1/live-sessions")
@requires(Permission.SESSIONS_READ)
def live_sessions(actor: Actor, session: Session) -> Page:
    """Newest first; by `user_id`, `ip` (address or network), `device`, `q`, `older_than`, `younger_than`, `ids`."""
    after = parse_cursor(request.args.get("after"))
    size = query_int("limit", 50, 1, 200)
    return Page(*console_queries.live_sessions(session, actor, from_query(), size, after))


@blueprint.get("/api/v1/live-sessions/count")
@requires(Permission.SESSIONS_READ)
def count(_actor: Actor, session: Session) -> dict[str, Any]:
    """How many the filter finds, up to 10,000: an exact count of what grows is never worth its price."""
    return console_queries.count(session, from_query())


@blueprint.delete("/api/v1/live-sessions/<session_id>")
@requires(Permission.SESSIONS_REVOKE, of=queries.live_session)
def end_one(actor: Actor, session: Session, live_session: LoginSession) -> dict[str, Any]:
    return {"ended": 1, "revocation": end(session, actor, live_session, "revoked", "revoked_by_admin")}


@blueprint.post("/api/v1/live-sessions/revoke")
@requires(Permission.SESSIONS_REVOKE, limit="60/minute")
def revoke(actor: Actor, session: Session) -> dict[str, Any]:
    wanted = body(Revocation)
    must_be_meant(session, actor, wanted, actor.tenant_slug)
    return end_some(session, actor, wanted)


def must_be_meant(session: Session, actor: Actor, wanted: Revocation, slug: str) -> None:
    """What ends more than one session, of others or one's own, needs a fresh proof of who asks and, where it is given,
    the right name typed. One needs none: it is what somebody does in a hurry, and costs whoever it hits a sign-in
    (docs/security.md).

    Raises StepUpRequired and Invalid.
    """
    one = wanted.ids is not None and len(set(wanted.ids)) == 1
    if not one:
        must_be_fresh(session, actor)
    if wanted.confirm is not None and wanted.confirm.strip().lower() != slug:
        raise Invalid(fields={"confirm": f"Type {slug} to confirm."})


def end_some(session: Session, actor: Actor, wanted: Revocation) -> dict[str, Any]:
    """End some sessions, all of one person, all that a filter finds, or those of everybody but the one who asks."""
    if wanted.ids is not None:
        ended, notice = end_these(session, actor, wanted.ids, "revoked_by_admin")
        return {"ended": len(ended), "revocations": _listed(notice), "results": results(wanted.ids, ended)}
    if wanted.user_id is not None:
        own = actor.session_id if wanted.user_id == actor.user_id else None
        revocations = end_all_of(session, actor, wanted.user_id, "revoked_by_admin", keep=own)
        return {"ended": len(revocations), "revocations": revocations}
    if wanted.matching is not None:
        sought = from_body(wanted.matching)
        which = console_queries.those(session, sought, actor.session_id)
        count, notice = end_found(session, actor, "revoked_by_admin", which, found_by=sought.named())
    else:
        count, notice = end_everybody(session, actor, "revoked_by_admin", keep=actor.session_id)
    return {"ended": count, "revocations": _listed(notice)}


def results(asked: list[Any], ended: list[Any]) -> list[dict[str, Any]]:
    """What became of each: an id that was over, or never here, is not found (X8)."""
    gone = set(ended)
    return [
        {"id": id, "ok": True} if id in gone else {"id": id, "ok": False, "error": {"code": "not_found"}}
        for id in dict.fromkeys(asked)
    ]


def _listed(notice: Any) -> list[Any]:
    return [notice] if notice else []
