"""The second step of signing in: a challenge, tied to one person of one tenant, met with a code or a passkey (I6)."""

from dataclasses import replace
from typing import Any

from onyx.audit.actions import Action
from onyx.audit.record import record, record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.errors import ChallengeOver, WrongCode
from onyx.core.scope import tenant_scope
from onyx.edge.gate import anonymous
from onyx.identity import challenges, factors, tickets
from onyx.identity.passkeys import Site
from onyx.tenancy.listing import place

from . import queries, service
from .forms import SecondStep
from .sign_in import Entered, entered, open_for


def finish(form: SecondStep, request: Request, site: Site) -> Entered:
    """Open the login session. Raises WrongCode while the challenge still holds, ChallengeOver when it does not."""
    ticket = tickets.read("sign_in", form.challenge)
    tenant = place(ticket.tenant, ticket.user) if ticket else None
    if ticket is None or tenant is None or tenant.status != "active":
        raise ChallengeOver()
    with tenant_scope(ticket.tenant, "auth", ticket.user), unit_of_work() as session:
        person = queries.person_by_id(session, ticket.user)
        challenge = challenges.count_try(session, ticket.user, "sign_in", ticket.digest)
    if person is None:
        raise ChallengeOver()
    actor = anonymous(tenant.id, tenant.slug, tenant.name, request, person.id, person.email)
    if challenge is None or person.status != "active":
        _record_failure(actor, "challenge_over" if challenge is None else "suspended")
        raise ChallengeOver()
    opened = _prove(form, replace(actor, name=person.display_name, kind="user"), challenge, site)
    if opened is None:
        _record_failure(actor, "wrong_code")
        raise WrongCode() if challenge.attempts < challenges.TRIES else ChallengeOver()
    return entered(opened, person, actor)


def email_of(challenge: str) -> str:
    """Whose sign-in a challenge belongs to; empty when it is nobody's."""
    ticket = tickets.read("sign_in", challenge)
    if ticket is None or place(ticket.tenant, ticket.user) is None:
        return ""
    with tenant_scope(ticket.tenant, "auth", ticket.user), unit_of_work() as session:
        person = queries.person_by_id(session, ticket.user)
    return person.email if person else ""


def _prove(form: SecondStep, actor: Actor, challenge: Any, site: Site) -> service.SignedIn | None:
    """Use challenge and proof up and open the session in one transaction; None when the proof is wrong."""
    assert actor.user_id is not None
    with tenant_scope(actor.tenant_id, "auth", actor.user_id), unit_of_work() as session:
        method = factors.take(
            session, actor.tenant_id, actor.user_id, site, bytes(challenge.nonce), form.code, form.passkey
        )
        if method is None:
            return None
        if not challenges.use(session, actor.user_id, challenge.id):
            raise ChallengeOver()
        if method == "recovery_code":
            record(session, actor, Action.RECOVERY_CODE_USED, target("user", actor.user_id, actor.email))
        return open_for(session, actor, challenge.remember, method)


def _record_failure(actor: Actor, reason: str) -> None:
    who = target("user", actor.user_id, actor.email)
    record_alone(actor, Action.SIGN_IN_FAILED, who, outcome="failure", reason=reason)
