"""Projects over HTTP."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.projects import create_project, project
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.pages import cursor_of, cut, parse_cursor
from onyx.edge.http import Page, body, ok, query_int, requires

from . import queries, service
from .forms import ProjectName

blueprint = Blueprint("projects", __name__)
Row = Any


@blueprint.get("/api/v1/projects")
@requires(Permission.CHAT_USE)
def list_projects(actor: Actor, session: Session) -> Page:
    limit = query_int("limit", 50, 1, 200)
    found = queries.page_of_projects(session, actor, limit + 1, parse_cursor(request.args.get("after")))
    shown, following = cut(found, limit, cursor_of)
    return Page([_shown(row) for row in shown], following)


@blueprint.post("/api/v1/projects")
@requires(Permission.CHAT_USE, limit="60/minute")
def create(actor: Actor, session: Session) -> Response:
    return ok(_shown(create_project(session, actor, name=body(ProjectName).name)), status=201)


@blueprint.get("/api/v1/projects/<project_id>")
@requires(Permission.CHAT_USE, of=project)
def one(_actor: Actor, _session: Session, project: Row) -> dict[str, Any]:
    return _shown(project)


@blueprint.patch("/api/v1/projects/<project_id>")
@requires(Permission.CHAT_USE, of=project)
def rename(actor: Actor, session: Session, project: Row) -> dict[str, Any]:
    return _shown(service.rename(session, actor, project, name=body(ProjectName).name))


@blueprint.delete("/api/v1/projects/<project_id>")
@requires(Permission.CHAT_USE, of=project)
def remove(actor: Actor, session: Session, project: Row) -> dict[str, Any]:
    service.remove(session, actor, project)
    return {"id": str(project.id), "deleted": True}


def _shown(row: Row) -> dict[str, Any]:
    return {"id": str(row.id), "name": row.name, "created_at": rfc3339(row.created_at)}
