"""Roles over HTTP, and the page on which they are put together."""

from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from onyx.access.policy import MEANING, Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.edge.http import body, ok, requires
from onyx.identity.models import CustomRole

from . import queries, service
from .forms import NewRole, Preview, RoleChange

blueprint = Blueprint("roles", __name__)


@blueprint.get("/admin/roles/")
@requires(Permission.USERS_READ)
def page(actor: Actor, session: Session) -> str:
    roles = queries.all_roles(session, actor.tenant_slug)
    return render_template("admin/roles.html", roles=roles, vocabulary=queries.vocabulary(actor), meanings=MEANING)


@blueprint.get("/api/v1/roles")
@requires(Permission.USERS_READ)
def roles(actor: Actor, session: Session) -> list[dict[str, Any]]:
    return queries.all_roles(session, actor.tenant_slug)


@blueprint.get("/api/v1/permissions")
@requires(Permission.USERS_READ)
def permissions(actor: Actor, _session: Session) -> list[dict[str, Any]]:
    return queries.vocabulary(actor)


@blueprint.post("/api/v1/roles")
@requires(Permission.ROLES_MANAGE, limit="60/minute", fresh=True)
def create(actor: Actor, session: Session) -> Response:
    return ok(queries.shown(service.create(session, actor, **body(NewRole).model_dump()), 0), status=201)


@blueprint.patch("/api/v1/roles/<role_id>")
@requires(Permission.ROLES_MANAGE, of=queries.own_role, limit="60/minute", fresh=True)
def alter(actor: Actor, session: Session, own_role: CustomRole) -> dict[str, Any]:
    service.alter(session, actor, own_role, **body(RoleChange).model_dump())
    return queries.shown(own_role)


@blueprint.delete("/api/v1/roles/<role_id>")
@requires(Permission.ROLES_MANAGE, of=queries.own_role, limit="60/minute", fresh=True)
def remove(actor: Actor, session: Session, own_role: CustomRole) -> dict[str, Any]:
    service.remove(session, actor, own_role)
    return {"deleted": True}


@blueprint.post("/api/v1/roles/preview")
@requires(Permission.ROLES_MANAGE)
def preview(actor: Actor, session: Session) -> dict[str, Any]:
    """Who would gain and lose what; and `allows`, what the role would allow beside what every role does.
    Changes nothing.
    """
    form = body(Preview)
    if form.role_id is None:
        return queries.preview_new(actor, form.permissions)
    role = session.get(CustomRole, form.role_id)
    if role is None:
        raise NotFound()
    return queries.preview(session, actor, role, form.permissions)
