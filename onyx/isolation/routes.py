"""Reports on isolation over HTTP: auditors read, keep and ask for their organisation's; the platform sees all results."""

import json
from typing import Any

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.visiting import visiting
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.core.pages import parse_cursor, parse_id_cursor
from onyx.edge.http import Page, ok, query_int, requires
from onyx.tenancy.listing import Tenant

from . import queries, service

blueprint = Blueprint("isolation", __name__)


@blueprint.get("/audit/isolation")
@requires(Permission.AUDIT_READ)
def page(_actor: Actor, _session: Session) -> str:
    return render_template("audit/isolation.html")


@blueprint.get("/platform/isolation")
@requires(Permission.TENANTS_READ)
def platform_page(_actor: Actor, _session: Session) -> str:
    return render_template("platform/isolation.html")


@blueprint.get("/api/v1/isolation/reports")
@requires(Permission.AUDIT_READ)
def reports(_actor: Actor, session: Session) -> Page:
    return Page(*queries.reports(session, query_int("limit", 20, 1, 100), parse_cursor(request.args.get("after"))))


@blueprint.get("/api/v1/isolation/reports/<report_id>")
@requires(Permission.AUDIT_READ, of=queries.report)
def one(_actor: Actor, _session: Session, report: Any) -> dict[str, Any]:
    return {"id": report.id, "document": report.document}


@blueprint.get("/api/v1/isolation/reports/<report_id>/document")
@requires(Permission.AUDIT_READ, of=queries.report)
def document(_actor: Actor, _session: Session, report: Any) -> Response:
    return _file(report.document, f"isolation-{report.id}.json")


@blueprint.post("/api/v1/isolation/check")
@requires(Permission.AUDIT_READ, limit="10/minute")
def check(actor: Actor, session: Session) -> Response:
    service.ask(session, actor)
    return ok({"state": "waiting"}, status=202)


@blueprint.get("/api/v1/platform/isolation")
@requires(Permission.TENANTS_READ)
def status(_actor: Actor, _session: Session) -> Page:
    after, state = parse_id_cursor(request.args.get("after")), request.args.get("state", "")
    return Page(*queries.status(query_int("limit", 50, 1, 200), after, state, request.args.get("q", "")[:120]))


@blueprint.get("/api/v1/platform/isolation/summary")
@requires(Permission.TENANTS_READ)
def summary(_actor: Actor, _session: Session) -> dict[str, Any]:
    return queries.summary()


@blueprint.get("/api/v1/tenants/<tenant_id>/isolation/report")
@requires(Permission.TENANTS_READ, of=queries.tenant)
def newest(actor: Actor, _session: Session, tenant: Tenant) -> Response:
    found = queries.newest_of(actor, tenant)
    if found is None:
        raise NotFound()
    return _file(found, f"isolation-{tenant.slug}.json")


@blueprint.post("/api/v1/tenants/<tenant_id>/isolation/check")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, limit="60/minute")
def check_one(actor: Actor, _session: Session, tenant: Tenant) -> Response:
    with visiting(actor, tenant.id, tenant.slug, tenant.name) as (inside, visitor):
        service.ask(inside, visitor)
    return ok({"state": "waiting"}, status=202)


def _file(document: dict[str, Any], name: str) -> Response:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return Response(
        text, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
