"""Deleting an organisation over HTTP: ask, confirm, take back; the deletions that were carried out, and certificates."""

import json
from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.core.ids import parse_id
from onyx.core.scope import current_scope
from onyx.edge.documented import documented
from onyx.edge.http import Page, body, ok, requires
from onyx.edge.state import state
from onyx.tenancy.listing import Tenant

from . import deletion as deletions
from . import queries
from .deletion import Deletion as Going
from .forms import Deletion

blueprint = Blueprint("tenant_deletion", __name__)


@blueprint.post("/api/v1/tenants/<tenant_id>/delete")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, limit="30/minute", fresh=True)
def delete(actor: Actor, session: Session, tenant: Tenant) -> Response:
    """In two steps: without `deletion_id` it is asked for, and the organisation closes; with it, it is confirmed."""
    form = body(Deletion)
    if form.deletion_id is None:
        wait = state().settings.tenant_deletion_wait_hours * 3600
        found = deletions.request(session, actor, tenant, typed=form.slug, reason=form.reason, wait=wait)
    else:
        id = parse_id(form.deletion_id)
        if id is None:
            raise NotFound()
        found = deletions.confirm(session, actor, tenant, typed=form.slug, deletion_id=id)
    return ok(queries.deletion_shown(found), status=202)


@blueprint.post("/api/v1/tenants/<tenant_id>/delete/cancel")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant)
def cancel(actor: Actor, _session: Session, tenant: Tenant) -> dict[str, Any]:
    """Take back a deletion that is not confirmed; the organisation stays closed until it is resumed."""
    return queries.deletion_shown(deletions.cancel(actor, tenant))


@blueprint.get("/api/v1/tenant-deletions")
@requires(Permission.TENANTS_READ)
def listed(_actor: Actor, _session: Session) -> Page:
    """The last fifty deletions that were carried out."""
    return Page([queries.deletion_shown(row) for row in deletions.deletions(current_scope())], None)


@blueprint.get("/api/v1/tenant-deletions/<deletion_id>")
@requires(Permission.TENANTS_READ, of=deletions.deletion)
def one(_actor: Actor, _session: Session, deletion: Going) -> dict[str, Any]:
    """One deletion: its state, and which step it is at."""
    return queries.deletion_shown(deletion)


@blueprint.get("/api/v1/tenant-deletions/<deletion_id>/certificate")
@requires(Permission.TENANTS_READ, of=deletions.deletion)
@documented(answers={200: "application/json"})
def certificate(_actor: Actor, _session: Session, deletion: Going) -> Response:
    """The signed certificate as a file; `flask tenants certificate --check FILE` checks it."""
    if deletion.certificate is None:
        raise NotFound()
    answer = Response(json.dumps(deletion.certificate, indent=2), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="deletion-{deletion.slug}.json"'
    return answer


@blueprint.get("/platform/deletions")
@requires(Permission.TENANTS_READ)
def listed_page(_actor: Actor, _session: Session) -> str:
    return render_template("platform/deletions.html", deletions=deletions.deletions(current_scope()))


@blueprint.get("/platform/deletions/<deletion_id>")
@requires(Permission.TENANTS_READ, of=deletions.deletion)
def page(_actor: Actor, _session: Session, deletion: Going) -> str:
    content = deletion.certificate["content"] if deletion.certificate else None
    return render_template("platform/deletion.html", deletion=deletion, content=content)
