"""Organisations over HTTP, and the platform's pages."""

from typing import Any

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from onyx.access.freshness import must_be_fresh
from onyx.access.people import checked_email
from onyx.access.policy import Permission
from onyx.access.settings import change_of
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.pages import parse_id_cursor
from onyx.edge.connected import connected
from onyx.edge.http import Page, body, ok, query_int, requires
from onyx.edge.session_policy import defaults
from onyx.edge.state import state
from onyx.tenancy.listing import Tenant

from . import queries, service, turning
from .forms import NewAdmin, NewTenant, TenantChange

blueprint = Blueprint("tenants", __name__)


@blueprint.get("/platform/")
@requires(Permission.TENANTS_READ)
def page(_actor: Actor, _session: Session) -> str:
    return render_template("platform/tenants.html")


@blueprint.get("/platform/tenants/<tenant_id>")
@requires(Permission.TENANTS_READ, of=queries.tenant)
def detail_page(actor: Actor, _session: Session, tenant: Tenant) -> str:
    return render_template("platform/tenant.html", tenant=_detail(actor, tenant))


@blueprint.get("/platform/sessions")
@requires(Permission.TENANTS_READ)
def sessions_page(_actor: Actor, _session: Session) -> str:
    return render_template("platform/sessions.html", across=True)


@blueprint.get("/api/v1/tenants")
@requires(Permission.TENANTS_READ)
def tenants(_actor: Actor, _session: Session) -> Page:
    """The oldest first; with `sort`: name, people, storage or active (used last), each by what was measured."""
    q, status = request.args.get("q", "")[:120], request.args.get("status", "")
    sort, after, size = request.args.get("sort", ""), request.args.get("after"), query_int("limit", 25, 1, 100)
    if sort:
        return Page(*queries.sorted_page(sort, q, status, size, after))
    return Page(*queries.page(q, status, size, parse_id_cursor(after)))


@blueprint.post("/api/v1/tenants")
@requires(Permission.TENANTS_MANAGE, limit="30/minute", fresh=True)
def create(actor: Actor, session: Session) -> Response:
    """Its first administrator is invited: by mail where Onyx sends mail (`admin.mailed`), else by `admin.link`, which
    is in this answer and nowhere else.
    """
    form = body(NewTenant)
    checked_email(form.admin_email)
    made = service.create(session, actor, slug=form.slug, name=form.name)
    admin = _admin(actor, made, form.admin_email, form.admin_name, form.sign_in)
    return ok({**queries.shown([made])[0], "admin": admin}, status=201)


@blueprint.get("/api/v1/tenants/<tenant_id>")
@requires(Permission.TENANTS_READ, of=queries.tenant)
def one(actor: Actor, _session: Session, tenant: Tenant) -> dict[str, Any]:
    return _detail(actor, tenant)


@blueprint.patch("/api/v1/tenants/<tenant_id>")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant)
def change(actor: Actor, session: Session, tenant: Tenant) -> dict[str, Any]:
    """Its name and notes; and its settings, for which it takes a fresh confirmation."""
    form = body(TenantChange)
    if form.settings is not None:
        with unit_of_work() as own:  # of its own: what follows opens another one
            must_be_fresh(own, actor)
        change_of(session, actor, tenant, form.settings.model_dump(exclude_unset=True), defaults())
    service.edit(session, actor, tenant, name=form.name, notes=form.notes)
    return _detail(actor, queries.again(tenant))


@blueprint.post("/api/v1/tenants/<tenant_id>/suspend")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, fresh=True)
def suspend(actor: Actor, session: Session, tenant: Tenant) -> dict[str, Any]:
    """Close it: sessions, sockets, streams, API keys and jobs stop within a second. `revocation` has a receipt."""
    return _turned(actor, turning.suspend(session, actor, tenant))


@blueprint.post("/api/v1/tenants/<tenant_id>/archive")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, fresh=True)
def archive(actor: Actor, session: Session, tenant: Tenant) -> dict[str, Any]:
    """Close it and leave it alone, its data kept; resuming brings it back."""
    return _turned(actor, turning.archive(session, actor, tenant))


@blueprint.post("/api/v1/tenants/<tenant_id>/resume")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, fresh=True)
def resume(actor: Actor, session: Session, tenant: Tenant) -> dict[str, Any]:
    """Open a suspended or archived organisation again."""
    return _turned(actor, turning.resume(session, actor, tenant))


@blueprint.post("/api/v1/tenants/<tenant_id>/admins")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, limit="30/minute", fresh=True)
def add_admin(actor: Actor, _session: Session, tenant: Tenant) -> Response:
    form = body(NewAdmin)
    return ok(_admin(actor, tenant, form.email, form.display_name, form.sign_in), status=201)


def _admin(actor: Actor, place: Tenant, email: str, name: str, sign_in: str) -> dict[str, Any]:
    settings = state().settings
    return service.first_admin(
        actor, place, email=email, name=name, by_password=sign_in == "password", by_mail=settings.sends_mail,
        base=settings.public_url or request.host_url,
    )  # fmt: skip


def _turned(actor: Actor, turned: turning.Turned) -> dict[str, Any]:
    return {**_detail(actor, turned.tenant), "revocation": turned.notice}


def _detail(actor: Actor, place: Tenant) -> dict[str, Any]:
    """With the sockets that are open just now; None while Redis cannot say."""
    return {**queries.detail(actor, place), "connected": connected([place.id]).get(place.id)}
