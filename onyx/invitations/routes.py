"""Invitations over HTTP, their page, and the page on which somebody accepts one.

The secret stands behind the `#` of the link: browsers send it to no server and to no other site; it travels in bodies.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from onyx.access import inviting, new_password
from onyx.access.invitation_letter import address
from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import NotFound
from onyx.core.pages import parse_id_cursor
from onyx.core.scope import Scope, tenant_scope
from onyx.edge import csrf
from onyx.edge.gate import anonymous
from onyx.edge.http import Page, body, everybody, ok, query_int, request_meta, requires
from onyx.edge.state import state
from onyx.identity import invitation_tokens
from onyx.identity.models import Invitation
from onyx.tenancy.walls import control_plane

from . import queries
from .forms import Accepted, NewInvitation, Opened

blueprint = Blueprint("invitations", __name__)


@blueprint.get("/admin/invitations/")
@requires(Permission.USERS_READ)
def admin_page(_actor: Actor, _session: Session) -> str:
    return render_template("admin/invitations.html")


@blueprint.get("/api/v1/invitations")
@requires(Permission.USERS_READ)
def invitations(_actor: Actor, session: Session) -> Page:
    """Invitations that were not used, newest first."""
    return Page(*queries.page(session, query_int("limit", 50, 1, 200), parse_id_cursor(request.args.get("after"))))


@blueprint.post("/api/v1/invitations")
@requires(Permission.USERS_MANAGE, limit="120/minute", fresh=True)
def create(actor: Actor, session: Session) -> Response:
    """By mail where Onyx sends mail; else the link is in this answer and nowhere else.

    An older invitation of the same e-mail holds no longer.
    """
    settings = state().settings
    made = inviting.invite(session, actor, settings.sends_mail, **body(NewInvitation).model_dump())
    link = address(settings.public_url or request.host_url, made.token) if made.token else None
    told = {"id": made.id, "email": made.email, "expires_at": made.expires_at, "mailed": link is None, "link": link}
    return ok(told, status=201)


@blueprint.delete("/api/v1/invitations/<invitation_id>")
@requires(Permission.USERS_MANAGE, of=queries.invitation, fresh=True)
def withdraw(actor: Actor, session: Session, invitation: Invitation) -> dict[str, Any]:
    inviting.withdraw(session, actor, invitation)
    return {"withdrawn": True}


@blueprint.get("/invitation")
@everybody("120/minute")
def page() -> str:
    return render_template("login/invitation.html")


@blueprint.post("/api/v1/invitations/open")
@everybody("60/minute")
def look() -> dict[str, Any]:
    """What an invitation says to whoever holds its link; it stays unused."""
    csrf.check_origin()
    token = body(Opened).token
    guest = _guest(token)
    row = _look(guest, token)
    names = {"email": row.email, "display_name": row.display_name}
    return {**names, "organisation": guest.tenant_name, "expires_at": row.expires_at}


@blueprint.post("/api/v1/invitations/redeem")
@everybody("30/minute")
def redeem() -> Response:
    """Make the account. Whoever holds it signs in with the password that they have chosen."""
    csrf.check_origin()
    form = body(Accepted)
    guest = _guest(form.token)
    row = _look(guest, form.token)  # a password is hashed for real invitations alone
    hashed = new_password.hashed(Scope(guest.tenant_id, "auth"), form.password, row.email, form.display_name)
    with tenant_scope(guest.tenant_id, "job:provision"), unit_of_work() as session:
        user = inviting.redeem(session, guest, form.token, display_name=form.display_name, password_hash=hashed)
    return ok({"user_id": user, "email": row.email, "tenant": guest.tenant_slug}, status=201)


def _look(guest: Actor, token: str) -> Any:
    with tenant_scope(guest.tenant_id, "job:provision"), unit_of_work() as session:
        return inviting.opened(session, token)


def _guest(token: str) -> Actor:
    """Whoever holds this link, in the tenant that it names. Raises NotFound, in the words of a link that is over."""
    tenant: UUID | None = invitation_tokens.tenant_of(token)
    if tenant is not None:
        with control_plane(Scope(tenant, "job:provision")) as connection:
            found = connection.exec_driver_sql("select slug, name, status from tenant where id = %s", (tenant,))
            place = found.one_or_none()
        if place is not None and place.status == "active":
            return anonymous(tenant, place.slug, place.name, request_meta())
    raise NotFound(inviting.OVER)
