"""Backups over HTTP, and the platform's page of them."""

from uuid import UUID

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from config.settings import nodes_of
from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.core.pages import parse_id_cursor
from onyx.edge.http import Page, body, ok, query_int, requires
from onyx.edge.state import state
from onyx.tenancy.backup_ledger import Backup
from onyx.tenancy.listing import Tenant
from onyx.tenancy.nodes import MAIN

from . import queries, service
from .forms import Restore

blueprint = Blueprint("backups", __name__)


@blueprint.get("/platform/backups")
@requires(Permission.TENANTS_READ)
def page(_actor: Actor, _session: Session) -> str:
    return render_template("backups/page.html", most=state().settings.import_limit, hours=state().settings.parcel_hours)


@blueprint.get("/api/v1/backups")
@requires(Permission.TENANTS_READ)
def backups(_actor: Actor, _session: Session) -> Page:
    """Backups of all organisations, the newest first; `q` is a part of the short name."""
    after, q = parse_id_cursor(request.args.get("after")), request.args.get("q", "")[:40]
    return Page(*queries.page(query_int("limit", 50, 1, 200), after, None, q))


@blueprint.get("/api/v1/backup-requests")
@requires(Permission.TENANTS_READ)
def backup_requests(_actor: Actor, _session: Session) -> Page:
    """What the steward was asked for lately, with how far it is."""
    return Page(queries.requests(), None)


@blueprint.get("/api/v1/backup-requests/waiting")
@requires(Permission.TENANTS_READ)
def waiting(_actor: Actor, _session: Session) -> dict[str, int]:
    """How many requests wait, and how many are under way."""
    return queries.waiting()


@blueprint.get("/api/v1/tenants/<tenant_id>/backups")
@requires(Permission.TENANTS_READ, of=queries.tenant)
def tenant_backups(_actor: Actor, _session: Session, tenant: Tenant) -> Page:
    """Backups of one organisation, the newest first."""
    after = parse_id_cursor(request.args.get("after"))
    return Page(*queries.page(query_int("limit", 50, 1, 200), after, tenant.id))


@blueprint.post("/api/v1/tenants/<tenant_id>/backups")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, limit="30/minute", fresh=True)
def create(actor: Actor, _session: Session, tenant: Tenant) -> Response:
    """Ask for a backup; the answer is the request to the steward, whose progress can be read."""
    return _accepted(service.back_up(actor, tenant))


@blueprint.post("/api/v1/tenants/<tenant_id>/backups/<backup_id>/restore")
@requires(Permission.TENANTS_MANAGE, of=queries.backup, limit="30/minute", fresh=True)
def restore(actor: Actor, _session: Session, backup: Backup) -> Response:
    """Bring a backup back: beside the original under another short name, or in place."""
    form = body(Restore)
    node = known_node(form.node)
    return _accepted(service.restore(actor, backup, slug=form.slug, confirm=form.confirm, node=node))


@blueprint.post("/api/v1/tenants/<tenant_id>/backups/<backup_id>/drill")
@requires(Permission.TENANTS_MANAGE, of=queries.backup, limit="30/minute", fresh=True)
def drill(actor: Actor, _session: Session, backup: Backup) -> Response:
    """Try whether a backup can be restored, where nobody sees it."""
    return _accepted(service.rehearse(actor, backup))


def known_node(name: str | None) -> str | None:
    """A database machine's name. Raises Invalid for one that this installation does not have."""
    if name is not None and name not in (MAIN, *nodes_of(state().settings.database_nodes)):
        raise Invalid(fields={"node": "There is no database machine by this name."})
    return name


def _accepted(id: UUID) -> Response:
    return ok(queries.requests(id)[0], status=202)
