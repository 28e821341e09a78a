"""From an ID token that holds to a login session: who this is here, connected once, by subject from then on."""

from dataclasses import replace
from typing import Any

from onyx.access.opening import SignedIn, open_session
from onyx.access.people import add_person
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.errors import Conflict, Invalid, QuotaReached, WrongCredentials
from onyx.core.scope import tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge import beside
from onyx.edge.bounds import tell
from onyx.edge.gate import anonymous
from onyx.edge.session_policy import defaults
from onyx.identity.device import device_of
from onyx.tenancy.listing import Tenant

from . import queries, service
from .provider import Provider, Refused


def enter(place: Tenant, provider: Provider, claims: dict[str, Any], request: Request) -> SignedIn:
    """Open a login session for the one whom the provider vouches for. Raises Refused."""
    nobody = anonymous(place.id, place.slug, place.name, request)
    subject = claims["sub"]
    if not subject:
        raise Refused("sso_failed", "no subject")
    person = _known(place, provider, subject) or _newcomer(place, nobody, provider, claims)
    if person.status != "active":
        raise Refused("suspended", "suspended")
    actor = replace(nobody, user_id=person.id, email=person.email, name=person.display_name, kind="user")
    try:
        return _open(actor, provider, claims)
    except WrongCredentials:
        raise Refused("suspended", "suspended meanwhile") from None


def connect(actor: Actor, provider: Provider, claims: dict[str, Any]) -> None:
    """Connect the person who is signed in, and asked for it, with the account at the provider. Raises Refused."""
    assert actor.user_id is not None
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        holder = queries.by_subject(session, provider.issuer, claims["sub"])
        mine = queries.by_id(session, provider.issuer, actor.user_id)
        if holder is not None and holder.id == actor.user_id:
            return
        if holder is not None or mine is None or mine.subject is not None or not claims["sub"]:
            raise Refused("sso_failed", "the account, or the person, is connected already")
        service.link(session, actor, actor.user_id, actor.email, provider.issuer, claims["sub"], "the person")


def vouched_email(provider: Provider, claims: dict[str, Any]) -> str:
    """The address that the provider vouches for, in a domain that is the tenant's. Raises Refused."""
    email = claims.get("email")
    email = email.strip().lower() if isinstance(email, str) else ""
    if claims.get("email_verified") is not True or email.count("@") != 1:
        raise Refused("sso_not_allowed", "no verified e-mail")
    if email.rpartition("@")[2] not in provider.domains:
        raise Refused("sso_not_allowed", "an e-mail of a foreign domain")
    return email


def _known(place: Tenant, provider: Provider, subject: str) -> Any | None:
    with tenant_scope(place.id, "auth"), unit_of_work() as session:
        return queries.by_subject(session, provider.issuer, subject)


def _newcomer(place: Tenant, nobody: Actor, provider: Provider, claims: dict[str, Any]) -> Any:
    """Somebody whom the provider has not sent before: connected by e-mail when they may do little, or made."""
    email = vouched_email(provider, claims)
    with tenant_scope(place.id, "auth"), unit_of_work() as session:
        person = queries.by_email(session, provider.issuer, email_digest(email))
        if person is not None:
            if person.subject is not None or service.is_privileged(person.roles, place.slug, person.extra):
                raise Refused("sso_link_needed", "an e-mail is not enough for this account")
            if person.status == "active":
                service.link(session, nobody, person.id, email, provider.issuer, claims["sub"], "e-mail")
            return person
    if not provider.create_people:
        raise Refused("sso_unknown", "nobody by this e-mail")
    try:
        _make(place, nobody, provider, claims, email)
    except QuotaReached as error:
        tell(nobody, error)
        raise Refused("sso_full", "the organisation may have no more people") from None
    except Invalid:
        raise Refused("sso_not_allowed", "an e-mail outside the organisation's domains") from None
    except Conflict:  # made at this very moment by the same person in another window
        pass
    found = _known(place, provider, claims["sub"])
    if found is None:
        raise Refused("sso_failed", "somebody else took this e-mail")
    return found


def _make(place: Tenant, nobody: Actor, provider: Provider, claims: dict[str, Any], email: str) -> None:
    maker = replace(nobody, kind="sso", name="Single sign-on", email=provider.issuer)
    name = claims["name"][:120] if isinstance(claims.get("name"), str) else email
    with tenant_scope(place.id, "job:provision"), unit_of_work() as session:
        id = add_person(session, maker, email=email, name=name, roles=[provider.default_role], password=None)
        session.flush()  # the person's row must be there before the one that hangs on it
        service.link(session, maker, id, email, provider.issuer, claims["sub"], "first sign-in")


def _open(actor: Actor, provider: Provider, claims: dict[str, Any]) -> SignedIn:
    assert actor.user_id is not None
    device, sid = device_of(actor.request.user_agent), claims.get("sid")
    with tenant_scope(actor.tenant_id, "auth", actor.user_id), unit_of_work() as session:
        opened = open_session(
            session, actor, actor.user_id, defaults(), False, device, "sso", replaces=beside.came_with()
        )
        session.flush()  # the session's row must be there before the one that hangs on it
        sid = sid[:200] if isinstance(sid, str) else None
        service.remember_session(session, actor.user_id, opened.session_id, provider.issuer, sid)
    return opened
