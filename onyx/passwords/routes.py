"""A new password by one-time link, over HTTP. Nobody is signed in here, and nothing tells who has an account (S7)."""

from functools import partial
from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from onyx.access.new_password import hashed
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.errors import Conflict, LinkOver
from onyx.core.scope import Scope, tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge import csrf, lockout
from onyx.edge.gate import anonymous
from onyx.edge.http import body, everybody, ok, request_meta
from onyx.edge.later import later
from onyx.edge.limits import account, limiter
from onyx.edge.state import state
from onyx.identity import links, tickets
from onyx.tenancy.listing import place, tenants_of

from . import queries, service
from .forms import Reset, ResetRequest

blueprint = Blueprint("passwords", __name__)


@blueprint.get("/reset")
@everybody("120/minute")
def page() -> str:
    return render_template("login/reset.html", mail=state().settings.sends_mail, minutes=links.MINUTES)


@blueprint.post("/api/v1/auth/password/reset-request")
@limiter.limit("5/hour", key_func=account)
@everybody("20/minute")
def ask() -> dict[str, Any]:
    """The answer is ready before anything is looked up: neither its words nor its time tell who is known."""
    csrf.check_origin()
    form = body(ResetRequest)
    if not state().settings.sends_mail:
        raise Conflict("This installation sends no mail. Ask an administrator of your organisation for a link.")
    later(partial(_post_links, email_digest(form.email), form.tenant, request_meta()))
    return {"asked": True, "minutes": links.MINUTES}


@blueprint.post("/api/v1/auth/password/reset")
@everybody("30/minute")
def reset() -> Response:
    """Ends all that the person had open: sessions, and API keys, of which a thief may have made some."""
    csrf.check_origin()
    form = body(Reset)
    ticket = tickets.read(links.USE, form.token)
    if ticket is None:
        raise LinkOver()
    tenant = place(ticket.tenant, ticket.user)
    if tenant is None or tenant.status != "active":
        raise LinkOver()
    scope = (ticket.tenant, "auth", ticket.user)
    with tenant_scope(*scope), unit_of_work() as session:
        person = _redeemer(session, ticket)
    password_hash = hashed(Scope(*scope), form.new, person.email, person.display_name)
    actor = anonymous(tenant.id, tenant.slug, tenant.name, request_meta(), person.id, person.email)
    with tenant_scope(*scope), unit_of_work() as session:
        revoked = service.redeem(session, actor, ticket.digest, password_hash)
    lockout.after_reset(email_digest(person.email), person.id)
    return ok({"changed": True, "api_keys_revoked": revoked})


def _redeemer(session: Session, ticket: tickets.Ticket) -> Any:
    """Whose link it is, so that no hash is computed for one that is over. Raises LinkOver."""
    person = queries.by_id(session, ticket.user)
    if person is None or person.status != "active" or not links.holds(session, ticket.user, ticket.digest):
        raise LinkOver()
    return person


def _post_links(digest: bytes, slug: str | None, request: Request) -> None:
    """Post a mail in each organisation where this e-mail signs in."""
    for tenant in tenants_of(digest, slug):
        if tenant.status != "active":
            continue
        with tenant_scope(tenant.id, "auth"), unit_of_work() as session:
            person = queries.by_email(session, digest)
            if person is not None and person.status == "active":
                actor: Actor = anonymous(tenant.id, tenant.slug, tenant.name, request, person.id, person.email)
                service.ask(session, actor, person.id)
