"""Going from one organisation to another without signing out, in one browser (S4)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template
from pydantic import Field
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from onyx.access.policy import Permission, landing
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import Invalid, NotFound
from onyx.core.scope import tenant_scope
from onyx.edge import beside
from onyx.edge.http import Body, body, ok, presented_token, requires

blueprint = Blueprint("beside", __name__)


class Wanted(Body):
    tenant_id: UUID = Field(description="One of `others` of GET /api/v1/auth/organisations.")


@blueprint.get("/settings/organisations")
@requires(Permission.OWN_ACCOUNT)
def page(actor: Actor, _session: Session) -> str:
    return render_template("settings/organisations.html", others=[_shown(one.actor) for one in beside.kept(actor)])


@blueprint.get("/api/v1/auth/organisations")
@requires(Permission.OWN_ACCOUNT)
def organisations(actor: Actor, _session: Session) -> dict[str, Any]:
    """The one in use, and others where this browser keeps a session of the same person."""
    return {"current": _shown(actor), "others": [_shown(one.actor) for one in beside.kept(actor)]}


@blueprint.post("/api/v1/auth/organisations")
@requires(Permission.OWN_ACCOUNT, limit="30/minute")
def add(_actor: Actor, _session: Session) -> Response:
    """The next sign-in of this browser keeps this session, if it is the same person's elsewhere."""
    _must_be_a_browser()
    return beside.wish(ok({"next": "/login"}))


@blueprint.post("/api/v1/auth/switch")
@requires(Permission.OWN_ACCOUNT, limit="60/minute")
def switch(actor: Actor, _session: Session) -> Response:
    """Use the session that is kept in another organisation; 404 for one where none is kept that still lives."""
    _must_be_a_browser()
    wanted = body(Wanted).tenant_id
    others = beside.kept(actor)
    to = next((one for one in others if one.actor.tenant_id == wanted), None)
    if to is None:
        raise NotFound("You are not signed in there any more. Sign in again.")
    there = to.actor
    with tenant_scope(there.tenant_id, "auth", there.user_id, there.session_id), unit_of_work() as session:
        record(session, there, Action.SESSION_SWITCHED, target("session", there.session_id))
    return beside.exchange(ok({"organisation": _shown(there), "landing": landing(there.permissions)}), to, others)


def _must_be_a_browser() -> None:
    if not presented_token()[1]:
        raise Invalid("Only browsers keep several sessions; a program uses the token that it wants.")


def _shown(actor: Actor) -> dict[str, Any]:
    return {"tenant_id": actor.tenant_id, "slug": actor.tenant_slug, "name": actor.tenant_name}
