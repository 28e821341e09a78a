"""The ledger of migrations: its page, its API, and trying again."""

from typing import Any

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.core.pages import parse_id_cursor
from onyx.edge.http import Page, body, ok, query_int, requires

from . import queries, service
from .forms import MigrationRun

blueprint = Blueprint("upgrades", __name__)


@blueprint.get("/platform/migrations")
@requires(Permission.TENANTS_READ)
def page(_actor: Actor, _session: Session) -> str:
    return render_template("platform/migrations.html")


@blueprint.get("/api/v1/migrations")
@requires(Permission.TENANTS_READ)
def migrations(_actor: Actor, _session: Session) -> Page:
    """Organisations with their version, how many scripts they lack, and why one failed; `state` filters."""
    state = request.args.get("state", "")
    if state not in queries.STATES:
        raise Invalid(fields={"state": f"One of {', '.join(queries.STATES[1:])}."})
    after = parse_id_cursor(request.args.get("after"))
    return Page(*queries.page(request.args.get("q", "")[:120], state, query_int("limit", 25, 1, 100), after))


@blueprint.get("/api/v1/migrations/summary")
@requires(Permission.TENANTS_READ)
def summary(_actor: Actor, _session: Session) -> dict[str, Any]:
    """This version, how many organisations are behind, failed or not fully created, and the newest request."""
    return queries.summary()


@blueprint.post("/api/v1/migrations/run")
@requires(Permission.TENANTS_MANAGE, limit="30/minute", fresh=True)
def run(actor: Actor, _session: Session) -> Response:
    """Have the steward migrate every organisation that is behind, or one; answered at once, the summary tells how far."""
    return ok(service.ask(actor, body(MigrationRun).tenant_id), status=202)
