"""Confirming, inside a login session, that it is still the same person; dangerous acts ask for it (I6)."""

from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from onyx.access.freshness import MINUTES, is_fresh
from onyx.access.policy import Permission
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.edge import lockout
from onyx.edge.http import body, ok, requires
from onyx.edge.renewing import with_new_token
from onyx.edge.site import site
from onyx.identity import challenges, factors, passkeys

from . import queries, service
from .forms import Proof
from .routes import as_auth

blueprint = Blueprint("step_up", __name__)
_WRONG = {"password": "This is not your password.", "code": "This code is wrong or was used already."}


@blueprint.get("/api/v1/auth/step-up")
@requires(Permission.OWN_SIGN_IN)
def state_of_it(actor: Actor, _session: Session) -> dict[str, Any]:
    """Whether dangerous acts are open now, and with what they can be opened."""
    assert actor.user_id is not None
    with as_auth(actor) as session:
        fresh = is_fresh(session, actor)
        methods = factors.held(session, actor.user_id).methods
        if queries.password_hash(session, actor):
            methods.append("password")
    return {"fresh": fresh, "methods": methods, "minutes": MINUTES}


@blueprint.post("/api/v1/auth/step-up/challenge")
@requires(Permission.OWN_SIGN_IN, limit="60/hour")
def challenge(actor: Actor, _session: Session) -> dict[str, Any]:
    """What a passkey of this person is asked to sign; `passkey` is null for somebody without one."""
    assert actor.user_id is not None
    with as_auth(actor) as session:
        ticket, nonce = challenges.open_one(session, actor.tenant_id, actor.user_id, "step_up", actor.session_id)
        return {"challenge": ticket, "passkey": passkeys.to_sign(session, site(), actor.user_id, nonce)}


@blueprint.post("/api/v1/auth/step-up")
@requires(Permission.OWN_SIGN_IN, limit="20/hour")
def step_up(actor: Actor, _session: Session) -> BaseResponse:
    """A browser gets a new token with it; whoever took a copy of the old one has ten seconds left."""
    form = body(Proof)
    tried = None
    if form.challenge is not None:
        with as_auth(actor) as session:
            tried = service.try_challenge(session, actor, "step_up", form.challenge)
    with lockout.guessing(actor, code=form.password is None) as wrong:
        with as_auth(actor) as session:
            method = service.step_up(
                session, actor, site(), password=form.password, code=form.code, challenge=tried, passkey=form.passkey
            )
        if method is None:
            wrong()
    if method is None:
        who = target("user", actor.user_id, actor.email)
        record_alone(actor, Action.STEP_UP_FAILED, who, outcome="failure")
        asked = "password" if form.password is not None else "code" if form.code is not None else "passkey"
        raise Invalid(fields={asked: _WRONG.get(asked, "The passkey's answer does not fit.")})
    return with_new_token(actor, ok({"confirmed": True, "method": method, "minutes": MINUTES}))
