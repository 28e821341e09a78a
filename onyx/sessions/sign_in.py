"""Signing in: the same answer and the same time, whether the e-mail is unknown or the password wrong (S7)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import g
from sqlalchemy.orm import Session

from onyx.access.policy import permissions_of
from onyx.audit.actions import Action
from onyx.audit.record import record, record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.errors import TooMany, WrongCredentials
from onyx.core.scope import Scope, tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge.gate import anonymous
from onyx.edge.session_policy import policy_of
from onyx.edge.state import state
from onyx.edge.store import Away
from onyx.identity import challenges, factors, passkeys, passwords
from onyx.identity.device import device_of
from onyx.identity.passkeys import Site
from onyx.tenancy.listing import tenants_of
from onyx.tenancy.walls import control_plane

from . import queries, service
from .forms import SignIn

AT_ONCE = 4
# A try that never ends, since its process died, is forgotten after half a minute.
_BEGIN = """
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
return redis.call('EXPIRE', KEYS[1], 30)
"""
_DONE = "if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1]) <= 0 then redis.call('DEL', KEYS[1]) end"


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
    known = _who_may_be_meant(email_digest(form.email), form.tenant)
    if not known:
        passwords.verify(None, form.password)
    # In several organisations the password decides: whoever adds an e-mail to theirs must not lock its owner out.
    fitting = [(tenant, person) for tenant, person in known if passwords.verify(person.password_hash, form.password)]
    if len(known) != 1 and len(fitting) != 1:
        _record_failure(_platform(request), "unknown_email_or_organisation")
        raise WrongCredentials()
    tenant, person = (fitting or known)[0]
    actor = anonymous(tenant.id, tenant.slug, tenant.name, request, person.id, form.email.strip())
    if not fitting or person.status != "active" or tenant.status != "active":
        _record_failure(actor, "suspended" if fitting else "wrong_password")
        raise WrongCredentials()
    proven = replace(actor, name=person.display_name, kind="user")
    with tenant_scope(tenant.id, "auth", person.id), unit_of_work() as session:
        if person.has_factor:
            return _challenge(session, proven, site, form.remember)
        opened = open_for(session, proven, form.remember)
    return entered(opened, person, proven)


def _challenge(session: Session, actor: Actor, site: Site, remember: bool) -> Challenged:
    assert actor.user_id is not None
    ticket, nonce = challenges.open_one(session, actor.tenant_id, actor.user_id, "sign_in", remember=remember)
    record(session, actor, Action.SIGN_IN_CHALLENGED, target("user", actor.user_id, actor.email))
    methods = factors.held(session, actor.user_id).methods
    return Challenged(ticket, methods, passkeys.to_sign(session, site, actor.user_id, nonce))


@contextmanager
def few_at_once(email: str) -> Iterator[None]:
    """Refuse more than a few tries for one account at the same moment. Raises TooMany.

    A failure counts when it is over: of a hundred tries at once, all would be made before the first one counted.
    """
    store, name = state().store, f"onyx:trying:{email_digest(email).hex()}"
    if not state().settings.rate_limits:
        yield
        return
    with suppress(Away):
        if store.run(_BEGIN, [name], [AT_ONCE]) == 0:
            raise TooMany(retry_after=2)
    try:
        yield
    finally:
        with suppress(Away):
            store.run(_DONE, [name], [])


def record_block(email: str, request: Request) -> None:
    """Record, once for each quarter of an hour, that too many failures closed an account's front door."""
    digest = email_digest(email)
    store = state().store
    try:
        if not store.call(store.client.set, f"onyx:blocked:{digest.hex()}", b"1", nx=True, ex=900):
            return
    except Away:
        pass  # recorded once more rather than not at all
    known = [tenant for tenant, _ in _who_may_be_meant(digest, None)]
    actor = _platform(request)
    if len(known) == 1:
        actor = anonymous(known[0].id, known[0].slug, known[0].name, request, None, email.strip())
    record_alone(actor, Action.SIGN_IN_BLOCKED, target("user", None, email.strip()[:254]), outcome="denied")


def open_for(session: Session, actor: Actor, remember: bool, factor: str | None = None) -> service.SignedIn:
    """Open a login session for somebody who has proved who they are; purpose `auth`."""
    assert actor.user_id is not None
    device = device_of(actor.request.user_agent)
    return service.open_session(session, actor, actor.user_id, policy_of(actor.tenant_id), remember, device, factor)


def entered(opened: service.SignedIn, person: Any, actor: Actor) -> Entered:
    """Have the session ended in time, and greet the person; after the session's row is committed."""
    policy = policy_of(actor.tenant_id)
    with control_plane(Scope(actor.tenant_id, "auth", actor.user_id)) as connection:
        idle = min(policy.idle_seconds, policy.absolute_seconds)
        connection.exec_driver_sql("select mark_due('sessions', now() + %s * interval '1 second')", (idle,))
    greeting = {
        "id": person.id,
        "email": actor.email,
        "display_name": person.display_name,
        "roles": person.roles,
        "permissions": sorted(permissions_of(person.roles, actor.tenant_slug, person.extra)),
        "tenant": {"id": actor.tenant_id, "slug": actor.tenant_slug, "name": actor.tenant_name},
    }
    return Entered(opened, greeting)


def _who_may_be_meant(digest: bytes, slug: str | None) -> list[tuple[Any, Any]]:
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


def _platform(request: Request) -> Actor:
    return anonymous(state().platform, "platform", "Platform", request)


def _record_failure(actor: Actor, reason: str) -> None:
    g.sign_in_actor = actor
    record_alone(
        actor, Action.SIGN_IN_FAILED, target("user", actor.user_id, actor.email), outcome="failure", reason=reason
    )
