"""Signing in: the same answer and the same time, whether the e-mail is unknown or the password wrong (S7)."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import g
from sqlalchemy.orm import Session

from onyx.access.opening import must_be_let_in
from onyx.access.policy import permissions_of
from onyx.audit.actions import Action
from onyx.audit.record import record, record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.errors import WrongCredentials
from onyx.core.scope import tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge import beside
from onyx.edge.gate import anonymous
from onyx.edge.session_policy import defaults
from onyx.edge.state import state
from onyx.identity import challenges, factors, passkeys, passwords
from onyx.identity.device import device_of
from onyx.identity.passkeys import Site
from onyx.tenancy.listing import tenants_of

from . import queries, service
from .forms import SignIn


@dataclass(frozen=True, slots=True)
class Entered:
    """A login session that was opened, and the person as the page greets them."""

    session: service.SignedIn
    user: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Challenged:
    """The password was right, and a second factor is asked for."""

    challenge: str
    methods: list[str]
    passkey: Any | None


def sign_in(form: SignIn, request: Request, site: Site) -> Entered | Challenged:
    """Open a login session for the right e-mail and password, or ask for the second factor.

    Raises WrongCredentials for everything else.
    """
    known = who_may_be_meant(email_digest(form.email), form.tenant)
    if not known:
        passwords.verify(None, form.password)
    # In several organisations the password decides: whoever adds an e-mail to theirs must not lock its owner out.
    fitting = [(tenant, person) for tenant, person in known if passwords.verify(person.password_hash, form.password)]
    if len(known) != 1 and len(fitting) != 1:
        _record_failure(nobody_of(request), "unknown_email_or_organisation")
        raise WrongCredentials()
    tenant, person = (fitting or known)[0]
    actor = anonymous(tenant.id, tenant.slug, tenant.name, request, person.id, form.email.strip())
    if not fitting or person.status != "active" or tenant.status != "active":
        _record_failure(actor, "suspended" if fitting else "wrong_password")
        raise WrongCredentials()
    proven = replace(actor, name=person.display_name, kind="user")
    try:
        with tenant_scope(tenant.id, "auth", person.id), unit_of_work() as session:
            if person.has_factor:
                return _challenge(session, proven, site, form.remember, person.password_hash)
            opened = open_for(session, proven, form.remember, compared=person.password_hash)
    except WrongCredentials:
        _record_failure(actor, "replaced_meanwhile")
        raise
    return entered(opened, person, proven)


def _challenge(session: Session, actor: Actor, site: Site, remember: bool, compared: str) -> Challenged:
    assert actor.user_id is not None
    must_be_let_in(session, actor.user_id, compared)
    ticket, nonce = challenges.open_one(session, actor.tenant_id, actor.user_id, "sign_in", remember=remember)
    record(session, actor, Action.SIGN_IN_CHALLENGED, target("user", actor.user_id, actor.email))
    methods = factors.held(session, actor.user_id).methods
    return Challenged(ticket, methods, passkeys.to_sign(session, site, actor.user_id, nonce))


def open_for(
    session: Session, actor: Actor, remember: bool, factor: str | None = None, compared: str | None = None
) -> service.SignedIn:
    """Open a login session for somebody who has proved who they are, by `factor` or by a password that was `compared`
    with a hash; purpose `auth`. Raises WrongCredentials where that has changed meanwhile.
    """
    assert actor.user_id is not None
    device, replaces = device_of(actor.request.user_agent), beside.came_with()
    return service.open_session(session, actor, actor.user_id, defaults(), remember, device, factor, compared, replaces)


def entered(opened: service.SignedIn, person: Any, actor: Actor) -> Entered:
    """Greet the person whose session was opened."""
    greeting = {
        "id": person.id,
        "email": actor.email,
        "display_name": person.display_name,
        "roles": person.roles,
        "permissions": sorted(permissions_of(person.roles, actor.tenant_slug, person.extra)),
        "tenant": {"id": actor.tenant_id, "slug": actor.tenant_slug, "name": actor.tenant_name},
    }
    return Entered(opened, greeting)


def who_may_be_meant(digest: bytes, slug: str | None) -> list[tuple[Any, Any]]:
    """Tenants that have somebody with this e-mail, each with that person; only the named tenant if one is named.

    Nobody's e-mail is looked for too, in the platform's tenant: as many steps, as much time.
    """
    places = tenants_of(digest, slug)
    found = []
    for place in places:
        person = _person_in(place.id, digest)
        if person is not None:  # a line of the directory alone lets nobody in
            found.append((place, person))
    if not places:
        _person_in(state().platform, digest)
    return found


def _person_in(tenant: UUID, digest: bytes) -> Any | None:
    with tenant_scope(tenant, "auth"), unit_of_work() as session:
        return queries.person_by_email(session, digest)


def nobody_of(request: Request) -> Actor:
    """The actor of a try at an account that is nobody's: it stands in the platform's trail."""
    return anonymous(state().platform, "platform", "Platform", request)


def _record_failure(actor: Actor, reason: str) -> None:
    g.sign_in_actor = actor
    record_alone(
        actor, Action.SIGN_IN_FAILED, target("user", actor.user_id, actor.email), outcome="failure", reason=reason
    )
