"""The page of jobs and its API: a tenant's admin sees and starts what concerns the tenant, a platform admin all."""

from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.edge.http import ok, requires

from . import ordering, view
from .table import BY_NAME

blueprint = Blueprint("work", __name__)


@blueprint.get("/jobs/")
@requires(Permission.JOBS_READ)
def page(_actor: Actor, _session: Session) -> str:
    return render_template("jobs/page.html")


@blueprint.get("/api/v1/jobs")
@requires(Permission.JOBS_READ)
def jobs(actor: Actor, _session: Session) -> dict[str, Any]:
    """The jobs that the actor may see, with their last runs, and whether anybody is there to do them."""
    return view.overview(ordering.place_of(actor))


@blueprint.post("/api/v1/jobs/<name>/run")
@requires(Permission.JOBS_RUN, limit="30/minute")
def run(actor: Actor, session: Session, name: str) -> Response:
    """Start a job now: for the actor's own tenant, or for a platform admin wherever there is something to do."""
    entry = BY_NAME.get(name)
    if entry is None or entry not in view.visible(ordering.place_of(actor)):
        raise NotFound()
    ordering.start(session, actor, entry)
    return ok({"name": name, "state": "waiting"}, status=202)
