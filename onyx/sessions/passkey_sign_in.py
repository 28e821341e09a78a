"""Signing in with a passkey alone: the device knows the person and checks that it is them, so it is two factors (I6)."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.errors import ChallengeOver, WrongCode
from onyx.core.late import Late
from onyx.core.scope import tenant_scope
from onyx.edge.gate import anonymous
from onyx.identity import open_challenges, passkeys
from onyx.identity.passkeys import Site
from onyx.tenancy.listing import place

from . import queries, service
from .forms import PasskeySignIn
from .sign_in import Entered, entered, open_for

if TYPE_CHECKING:
    import webauthn
else:
    webauthn = Late("webauthn")

_MESSAGE = "This passkey is not known here. Sign in with your e-mail and password."


def sign_in_by_passkey(form: PasskeySignIn, request: Request, site: Site) -> Entered:
    """Open the login session of the person whose passkey signed. Raises ChallengeOver and WrongCode."""
    tenant_id, user, nonce = _read(form.passkey)
    if not open_challenges.holds(nonce):
        raise ChallengeOver()
    tenant = place(tenant_id, user)
    if tenant is None or tenant.status != "active":
        raise WrongCode(_MESSAGE)
    with tenant_scope(tenant.id, "auth", user), unit_of_work() as session:
        person = queries.person_by_id(session, user)
    if person is None:
        raise WrongCode(_MESSAGE)
    actor = anonymous(tenant.id, tenant.slug, tenant.name, request, person.id, person.email)
    known = replace(actor, name=person.display_name, kind="user")
    opened = _open(form, known, nonce, site) if person.status == "active" else None
    if opened is None:
        who = target("user", actor.user_id, actor.email)
        record_alone(actor, Action.SIGN_IN_FAILED, who, outcome="failure", reason="wrong_passkey")
        raise WrongCode(_MESSAGE)
    return entered(opened, person, actor)


def _open(form: PasskeySignIn, actor: Actor, nonce: bytes, site: Site) -> service.SignedIn | None:
    assert actor.user_id is not None
    with tenant_scope(actor.tenant_id, "auth", actor.user_id), unit_of_work() as session:
        if not passkeys.take(session, site, actor.user_id, nonce, form.passkey, verified=True):
            return None
        if not open_challenges.use(session, actor.user_id, nonce):
            raise ChallengeOver()
        return open_for(session, actor, form.remember, "passkey")


def _read(answer: dict[str, Any]) -> tuple[UUID, UUID, bytes]:
    """Whose key says to have signed, and what. Raises WrongCode for what no browser sends."""
    try:
        response = answer["response"]
        handle = webauthn.base64url_to_bytes(response["userHandle"])
        client = json.loads(webauthn.base64url_to_bytes(response["clientDataJSON"]))
        return UUID(bytes=handle[:16]), UUID(bytes=handle[16:]), webauthn.base64url_to_bytes(client["challenge"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise WrongCode(_MESSAGE) from None
