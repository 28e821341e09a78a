"""Who else reads the files of a project: the owner's side, and what others let one read."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.projects import project
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.edge.http import body, ok, requires

from . import queries, sharing
from .forms import Reader

blueprint = Blueprint("project_sharing", __name__)
Row = Any


@blueprint.get("/api/v1/projects/shared")
@requires(Permission.CHAT_USE)
def shared_with_me(_actor: Actor, session: Session) -> list[dict[str, Any]]:
    """Projects of colleagues whose files one may read: `GET /api/v1/files?project_id=…` lists them. At most 500."""
    return [
        {
            "id": str(row.id),
            "name": row.name,
            "owner": {"id": str(row.owner_id), "name": row.owner_name},
            "created_at": rfc3339(row.created_at),
        }
        for row in queries.shared_projects(session)
    ]


@blueprint.get("/api/v1/projects/<project_id>/members")
@requires(Permission.CHAT_USE, of=project)
def members(_actor: Actor, session: Session, project: Row) -> list[dict[str, Any]]:
    """Who reads the files of one of one's own projects; its chats stay one's own."""
    return [_shown(row) for row in queries.readers(session, project.id)]


@blueprint.post("/api/v1/projects/<project_id>/members")
@requires(Permission.PROJECTS_SHARE, of=project, limit="60/minute")
def share(actor: Actor, session: Session, project: Row) -> Response:
    """Let a colleague read the files of a project. Nobody, a stranger, somebody suspended and oneself answer alike."""
    member = sharing.share(session, actor, project, email=body(Reader).email)
    made = next(row for row in queries.readers(session, project.id) if row.id == member)
    return ok(_shown(made), status=201)


@blueprint.delete("/api/v1/projects/<project_id>/members/<member_id>")
@requires(Permission.CHAT_USE, of=queries.membership)
def unshare(actor: Actor, session: Session, membership: Row) -> dict[str, Any]:
    """End somebody's reading of one's own project, or one's own reading of a colleague's."""
    sharing.unshare(session, actor, membership)
    return {"id": str(membership.member_id), "removed": True}


def _shown(row: Row) -> dict[str, Any]:
    return {"id": str(row.id), "name": row.name, "role": "viewer", "added_at": rfc3339(row.added_at)}
