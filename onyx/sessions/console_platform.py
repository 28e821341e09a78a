"""Live sessions of all tenants, for platform admins: tenant after tenant, each in its own scope (S4)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.ending import end
from onyx.access.freshness import must_be_fresh
from onyx.access.policy import Permission
from onyx.access.visiting import visiting
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.core.ids import parse_id
from onyx.core.pages import parse_cursor
from onyx.core.scope import current_scope
from onyx.edge.http import Page, body, query_int, requires
from onyx.tenancy.listing import Tenant, every_tenant, tenant, tenants

from . import console_queries, queries
from .console_forms import PlatformRevocation
from .console_routes import end_some, wanted_sessions

blueprint = Blueprint("platform_sessions", __name__)
TENANTS_PER_PAGE = 50


@blueprint.get("/api/v1/platform/live-sessions")
@requires(Permission.TENANTS_READ)
def live_sessions(actor: Actor, _session: Session) -> Page:
    """Tenants are gone through in the order of their ids; the cursor is `tenant~cursor in it`."""
    size = query_int("limit", 50, 1, 200)
    started, _, inner = request.args.get("after", "").partition("~")
    found: list[dict[str, Any]] = []
    some = _some_tenants(parse_id(started))
    for each in some:
        after = parse_cursor(inner) if str(each.id) == started else None
        page, following = _page_of(actor, each, size - len(found), after)
        found += page
        if following is not None or len(found) >= size:
            return Page(found, f"{each.id}~{following}" if following else _after(each))
    return Page(found, _after(some[-1]) if len(some) > 1 else None)


@blueprint.delete("/api/v1/platform/live-sessions/<session_id>")
@requires(Permission.TENANTS_MANAGE)
def end_one(actor: Actor, session: Session, session_id: UUID) -> dict[str, Any]:
    """`?tenant_id=` saves the search through all tenants."""
    named = parse_id(request.args.get("tenant_id"))
    for each in [_known(named)] if named else every_tenant(current_scope()):
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
    if form.all:
        must_be_fresh(session, actor)
    each = _known(form.tenant_id)
    with visiting(actor, each.id, each.slug, each.name) as (inside, visitor):
        ended = end_some(inside, visitor, form)
    if ended["ended"]:
        _tell_own_trail(session, actor, each, ended["ended"])
    return ended


def _some_tenants(first: UUID | None) -> list[Tenant]:
    named = request.args.get("tenant_id")
    if named:
        return [_known(parse_id(named))]
    before = UUID(int=first.int - 1) if first else None
    return [row for row in tenants(current_scope(), TENANTS_PER_PAGE, before) if row.status != "provisioning"]


def _page_of(actor: Actor, each: Tenant, size: int, after: Any) -> tuple[list[dict[str, Any]], str | None]:
    with visiting(actor, each.id, each.slug, each.name) as (inside, visitor):
        page, following = console_queries.live_sessions(inside, visitor, wanted_sessions(), size, after)
    place = {"id": each.id, "slug": each.slug, "name": each.name}
    return [{**row, "tenant": place} for row in page], following


def _after(each: Tenant) -> str | None:
    """The cursor that begins with the next tenant; None after the last."""
    following = tenants(current_scope(), 1, each.id)
    return f"{following[0].id}~" if following else None


def _known(id: UUID | None) -> Tenant:
    found = tenant(current_scope(), id) if id else None
    if found is None or found.status == "provisioning":
        raise NotFound()
    return found


def _tell_own_trail(session: Session, actor: Actor, each: Tenant, ended: int) -> None:
    where = target("tenant", each.id, each.slug)
    record(session, actor, Action.SESSION_REVOKED, where, reason="revoked_by_admin", sessions=ended)
