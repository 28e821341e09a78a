"""One's second factors over HTTP. They are purpose `auth`'s alone: each view opens a unit of work of its own."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.edge.http import body, ok, requires
from onyx.edge.site import site
from onyx.identity import totp

from . import queries, service
from .forms import Code, NewPasskey

blueprint = Blueprint("factors", __name__)


@contextmanager
def as_auth(actor: Actor) -> Iterator[Session]:
    """A unit of work for purpose `auth`, in which the actor's own factors can be seen."""
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        yield session


@blueprint.get("/settings/factor")
@requires(Permission.OWN_SIGN_IN)
def page(actor: Actor, _session: Session) -> str:
    return render_template("settings/second_factor.html", must_enrol=actor.must_enrol)


@blueprint.get("/api/v1/auth/factors")
@requires(Permission.OWN_SIGN_IN)
def mine(actor: Actor, _session: Session) -> dict[str, Any]:
    with as_auth(actor) as session:
        return queries.mine(session, actor)


@blueprint.post("/api/v1/auth/factors/totp")
@requires(Permission.OWN_SIGN_IN, limit="30/hour", fresh=True)
def begin_totp(actor: Actor, _session: Session) -> dict[str, Any]:
    """The secret, and the same as a picture for an authenticator app; shown until its first code is sent."""
    with as_auth(actor) as session:
        secret = service.begin_totp(session, actor)
    address = totp.address(secret, actor.email, actor.tenant_name)
    picture = base64.b64encode(totp.qr_code(address).encode()).decode()
    return {"secret": secret, "address": address, "qr": f"data:image/svg+xml;base64,{picture}"}


@blueprint.post("/api/v1/auth/factors/totp/confirm")
@requires(Permission.OWN_SIGN_IN, limit="30/hour", fresh=True)
def confirm_totp(actor: Actor, _session: Session) -> dict[str, Any]:
    form = body(Code)
    with as_auth(actor) as session:
        return {"recovery_codes": service.confirm_totp(session, actor, form.code)}


@blueprint.delete("/api/v1/auth/factors/totp")
@requires(Permission.OWN_SIGN_IN, fresh=True)
def remove_totp(actor: Actor, _session: Session) -> dict[str, Any]:
    with as_auth(actor) as session:
        service.remove_totp(session, actor)
    return {"removed": True}


@blueprint.post("/api/v1/auth/factors/passkeys/options")
@requires(Permission.OWN_SIGN_IN, limit="60/hour", fresh=True)
def begin_passkey(actor: Actor, _session: Session) -> dict[str, Any]:
    with as_auth(actor) as session:
        return service.begin_passkey(session, actor, site())


@blueprint.post("/api/v1/auth/factors/passkeys")
@requires(Permission.OWN_SIGN_IN, limit="60/hour", fresh=True)
def add_passkey(actor: Actor, _session: Session) -> Response:
    form = body(NewPasskey)
    with as_auth(actor) as session:
        challenge = service.try_challenge(session, actor, "passkey", form.challenge)
    with as_auth(actor) as session:
        codes = service.add_passkey(session, actor, site(), challenge, form.credential, form.name)
    return ok({"recovery_codes": codes}, status=201)


@blueprint.delete("/api/v1/auth/factors/passkeys/<passkey_id>")
@requires(Permission.OWN_SIGN_IN, fresh=True)
def remove_passkey(actor: Actor, _session: Session, passkey_id: UUID) -> dict[str, Any]:
    with as_auth(actor) as session:
        service.remove_passkey(session, actor, passkey_id)
    return {"removed": True}


@blueprint.post("/api/v1/auth/factors/recovery-codes")
@requires(Permission.OWN_SIGN_IN, limit="30/hour", fresh=True)
def renew_codes(actor: Actor, _session: Session) -> dict[str, Any]:
    with as_auth(actor) as session:
        return {"recovery_codes": service.renew_codes(session, actor)}
