"""Organisations over HTTP, and the platform's pages."""

from typing import Any

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.pages import parse_id_cursor
from onyx.edge.http import Page, body, ok, query_int, requires
from onyx.tenancy.listing import Tenant

from . import queries, service
from .forms import NewAdmin, NewTenant, TenantChange

blueprint = Blueprint("tenants", __name__)


@blueprint.get("/platform/")
@requires(Permission.TENANTS_READ)
def page(_actor: Actor, _session: Session) -> str:
    return render_template("platform/tenants.html")


@blueprint.get("/platform/tenants/<tenant_id>")
@requires(Permission.TENANTS_READ, of=queries.tenant)
def detail_page(actor: Actor, _session: Session, tenant: Tenant) -> str:
    return render_template("platform/tenant.html", tenant=queries.detail(actor, tenant))


@blueprint.get("/platform/sessions")
@requires(Permission.TENANTS_READ)
def sessions_page(_actor: Actor, _session: Session) -> str:
    return render_template("platform/sessions.html", across=True)


@blueprint.get("/api/v1/tenants")
@requires(Permission.TENANTS_READ)
def tenants(actor: Actor, _session: Session) -> Page:
    q, status = request.args.get("q", "")[:120], request.args.get("status", "")
    after = parse_id_cursor(request.args.get("after"))
    return Page(*queries.page(actor, q, status, query_int("limit", 25, 1, 100), after))


@blueprint.post("/api/v1/tenants")
@requires(Permission.TENANTS_MANAGE, limit="30/minute", fresh=True)
def create(actor: Actor, session: Session) -> Response:
    made = service.create(session, actor, **body(NewTenant).model_dump())
    return ok({**queries.shown(made["tenant"], 1, 0), "admin": made["admin"]}, status=201)


@blueprint.get("/api/v1/tenants/<tenant_id>")
@requires(Permission.TENANTS_READ, of=queries.tenant)
def one(actor: Actor, _session: Session, tenant: Tenant) -> dict[str, Any]:
    return queries.detail(actor, tenant)


@blueprint.patch("/api/v1/tenants/<tenant_id>")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant)
def change(actor: Actor, session: Session, tenant: Tenant) -> dict[str, Any]:
    return queries.detail(actor, service.rename(session, actor, tenant, body(TenantChange).name))


@blueprint.post("/api/v1/tenants/<tenant_id>/suspend")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, fresh=True)
def suspend(actor: Actor, session: Session, tenant: Tenant) -> dict[str, Any]:
    return queries.detail(actor, service.suspend(session, actor, tenant))


@blueprint.post("/api/v1/tenants/<tenant_id>/resume")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant)
def resume(actor: Actor, session: Session, tenant: Tenant) -> dict[str, Any]:
    return queries.detail(actor, service.resume(session, actor, tenant))


@blueprint.post("/api/v1/tenants/<tenant_id>/admins")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, limit="30/minute", fresh=True)
def add_admin(actor: Actor, _session: Session, tenant: Tenant) -> Response:
    form = body(NewAdmin)
    password = service.add_admin(actor, tenant, email=form.email, display_name=form.display_name)
    return ok({"email": form.email.strip().lower(), "password": password}, status=201)
