"""Setting up single sign-on, for administrators; connecting one's own account, for everybody."""

from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.edge.http import body, ok, requires

from . import entry_routes, provider, queries, service, ticket
from .forms import SetUp
from .outward import checked_url
from .provider import Refused

blueprint = Blueprint("sso", __name__)


@blueprint.get("/admin/sso")
@requires(Permission.SSO_MANAGE)
def page(actor: Actor, session: Session) -> str:
    return render_template("sso/page.html", sso=_shown(actor, session))


@blueprint.get("/settings/sso")
@requires(Permission.OWN_ACCOUNT)
def own_page(actor: Actor, session: Session) -> str:
    return render_template("sso/own.html", linked=queries.linked(session, actor), available=_available(actor))


@blueprint.get("/api/v1/sso")
@requires(Permission.SSO_MANAGE)
def set_up(actor: Actor, session: Session) -> dict[str, Any]:
    return _shown(actor, session)


@blueprint.put("/api/v1/sso")
@requires(Permission.SSO_MANAGE, limit="30/minute", fresh=True)
def save(actor: Actor, session: Session) -> dict[str, Any]:
    """The provider is asked for its description first: what cannot work is not saved."""
    form = body(SetUp)
    provider.forget(actor.tenant_id)
    provider.description(actor.tenant_id, checked_url(form.issuer))
    service.save(session, actor, form.model_dump(exclude={"client_secret"}), form.client_secret)
    return _shown(actor, session)


@blueprint.delete("/api/v1/sso")
@requires(Permission.SSO_MANAGE, fresh=True)
def remove(actor: Actor, session: Session) -> dict[str, Any]:
    return {"removed": service.remove(session, actor)}


@blueprint.post("/api/v1/auth/sso/link")
@requires(Permission.OWN_ACCOUNT, limit="20/minute", fresh=True)
def link(actor: Actor, _session: Session) -> BaseResponse:
    """Begin to connect one's own account: the answer's `location` leads to the provider."""
    try:
        place, its = entry_routes.found(actor.tenant_slug)
    except Refused:
        raise NotFound() from None
    away = entry_routes.depart(place, its, ticket.new(place.slug, link=actor.session_id))
    response: Response = ok({"location": away.headers["Location"]})
    for cookie in away.headers.getlist("Set-Cookie"):
        response.headers.add("Set-Cookie", cookie)
    return response


def _shown(actor: Actor, session: Session) -> dict[str, Any]:
    """The set-up, with the addresses that the provider must be told."""
    own = entry_routes.callback(actor.tenant_slug)
    start = own.removesuffix("/callback")
    scim = f"{start.partition('/login/sso/')[0]}/scim/v2"
    addresses = {"sign_in_url": start, "callback_url": own, "logout_url": f"{start}/logout", "scim_url": scim}
    return {**service.shown(queries.set_up(session)), **addresses}


def _available(actor: Actor) -> bool:
    try:
        entry_routes.found(actor.tenant_slug)
    except Refused:
        return False
    return True
