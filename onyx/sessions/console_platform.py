"""Live sessions of all tenants over HTTP, for platform admins (S4)."""

from typing import Any
from uuid import UUID

import structlog
from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.ending import end, end_found, end_these
from onyx.access.policy import Permission
from onyx.access.visiting import visiting
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import NotFound, OnyxError
from onyx.core.ids import parse_id
from onyx.core.pages import parse_cursor
from onyx.core.scope import current_scope
from onyx.edge.http import Page, body, query_int, requires
from onyx.tenancy.listing import UNREADABLE, Tenant, tenant

from . import console_queries, platform_queries, queries
from .console_forms import Matching, PlatformRevocation
from .console_routes import end_some, must_be_meant, results
from .wanted import from_body, from_query

_log = structlog.get_logger()
blueprint = Blueprint("platform_sessions", __name__)


@blueprint.get("/api/v1/platform/live-sessions")
@requires(Permission.TENANTS_READ)
def live_sessions(actor: Actor, _session: Session) -> Page:
    """Newest first, of all organisations or of `tenant_id`. Over all of them `q` is a whole e-mail address or a part
    of an organisation's name.
    """
    after = parse_cursor(request.args.get("after"))
    size, wanted, named = query_int("limit", 50, 1, 200), from_query(), _named()
    if named is None:
        return Page(*platform_queries.live_sessions(actor, wanted, size, after))
    with visiting(actor, named.id, named.slug, named.name) as (inside, visitor):
        page, following = console_queries.live_sessions(inside, visitor, wanted, size, after)
    place = {"id": named.id, "slug": named.slug, "name": named.name}
    return Page([{**row, "tenant": place} for row in page], following)


@blueprint.get("/api/v1/platform/live-sessions/count")
@requires(Permission.TENANTS_READ)
def count(actor: Actor, _session: Session) -> dict[str, Any]:
    """How many the filter finds, up to 10,000."""
    named = _named()
    if named is None:
        return platform_queries.count(actor, from_query())
    with visiting(actor, named.id, named.slug, named.name) as (inside, _):
        return console_queries.count(inside, from_query())


@blueprint.delete("/api/v1/platform/live-sessions/<session_id>")
@requires(Permission.TENANTS_MANAGE)
def end_one(actor: Actor, session: Session, session_id: UUID) -> dict[str, Any]:
    named = parse_id(request.args.get("tenant_id"))
    for id in [named] if named else platform_queries.where([session_id]):
        each = _known(id)
        with visiting(actor, each.id, each.slug, each.name) as (inside, visitor):
            row = queries.live_session(inside, visitor, session_id)
            if row is not None:
                notice = end(inside, visitor, row, "revoked", "revoked_by_admin")
                _tell_own_trail(session, actor, each, 1)
                return {"ended": 1, "revocation": notice}
    raise NotFound()


@blueprint.post("/api/v1/platform/live-sessions/revoke")
@requires(Permission.TENANTS_MANAGE, limit="60/minute")
def revoke(actor: Actor, session: Session) -> dict[str, Any]:
    form = body(PlatformRevocation)
    each = _known(form.tenant_id) if form.tenant_id else None
    with unit_of_work() as look:  # over before other organisations are visited, which takes a connection for each
        must_be_meant(look, actor, form, each.slug if each else actor.tenant_slug)
    if each is None:
        return _end_ids(session, actor, form.ids) if form.ids else _end_matching(session, actor, form)
    with visiting(actor, each.id, each.slug, each.name) as (inside, visitor):
        ended = end_some(inside, visitor, form)
    if ended["ended"]:
        _tell_own_trail(session, actor, each, ended["ended"])
    return ended


def _end_ids(session: Session, actor: Actor, ids: list[UUID]) -> dict[str, Any]:
    """Tenant after tenant, each in a transaction of its own."""
    ended: list[UUID] = []
    notices = []
    for id, its in platform_queries.where(ids).items():
        each = _known(id)
        with visiting(actor, each.id, each.slug, each.name) as (inside, visitor):
            gone, notice = end_these(inside, visitor, its, "revoked_by_admin")
        if notice:
            _tell_own_trail(session, actor, each, len(gone))
            notices.append(notice)
            ended += gone
    return {"ended": len(ended), "revocations": notices, "results": results(ids, ended)}


def _end_matching(session: Session, actor: Actor, form: PlatformRevocation) -> dict[str, Any]:
    """Up to a hundred tenants for each request; `next`, sent as `after`, goes on. One that fails keeps no other."""
    sought = from_body(form.matching or Matching())
    places, following = platform_queries.tenants_with(actor, sought, form.after)
    wanted = platform_queries.inside(actor, sought)
    done: dict[str, Any] = {"ended": 0, "revocations": [], "tenants": [], "next": following}
    for each in map(_known, places):
        line: dict[str, Any] = {"id": each.id, "slug": each.slug, "ok": True, "ended": 0}
        try:
            with visiting(actor, each.id, each.slug, each.name) as (inside, visitor):
                which = console_queries.those(inside, wanted, actor.session_id)
                found = sought.named()
                line["ended"], notice = end_found(inside, visitor, "revoked_by_admin", which, found_by=found)
        except OnyxError as error:
            _log.warning("sessions of a tenant not ended", tenant=str(each.id), error=type(error).__name__)
            line |= {"ok": False, "error": {"code": error.code}}
            notice = None
        done["tenants"].append(line)
        done["ended"] += line["ended"]
        if notice:
            done["revocations"].append(notice)
            _tell_own_trail(session, actor, each, line["ended"])
    return done


def _named() -> Tenant | None:
    named = request.args.get("tenant_id")
    return _known(parse_id(named)) if named else None


def _known(id: UUID | None) -> Tenant:
    found = tenant(current_scope(), id) if id else None
    if found is None or found.status in UNREADABLE:
        raise NotFound()
    return found


def _tell_own_trail(session: Session, actor: Actor, each: Tenant, ended: int) -> None:
    where = target("tenant", each.id, each.slug)
    record(session, actor, Action.SESSION_REVOKED, where, reason="revoked_by_admin", sessions=ended)
