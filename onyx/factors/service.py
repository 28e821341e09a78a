"""Every change of one's second factors; each runs for purpose `auth`, stands in the trail and is told to all processes."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access import freshness
from onyx.access.factor_policy import has_factor, is_required
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.errors import Conflict, Invalid, NotFound
from onyx.identity import challenges, changes, factors, passkeys, passwords, recovery, tickets, totp
from onyx.identity.passkeys import Site

from . import queries


def begin_totp(session: Session, actor: Actor) -> str:
    """A secret that waits for its first code. Raises Conflict when an authenticator app is set up already."""
    secret = totp.begin(session, actor.tenant_id, _me(actor))
    if secret is None:
        raise Conflict("An authenticator app is set up already. Remove it first.")
    record(session, actor, Action.FACTOR_BEGUN, _who(actor), kind="totp")
    return secret


def confirm_totp(session: Session, actor: Actor, code: str) -> list[str] | None:
    """Put the authenticator app in force; returns recovery codes when it is the first factor."""
    had = has_factor(session, actor)
    if not totp.confirm(session, actor.tenant_id, _me(actor), "".join(code.split())):
        raise Invalid(fields={"code": "This code is wrong. Is the clock of the device right?"})
    return _added(session, actor, had, "totp")


def begin_passkey(session: Session, actor: Actor, site: Site) -> dict[str, Any]:
    """What the browser is asked to make a passkey."""
    me = _me(actor)
    if len(passkeys.of(session, me)) >= 20:
        raise Conflict("Twenty passkeys are enough. Remove one first.")
    ticket, nonce = challenges.open_one(session, actor.tenant_id, me, "passkey", actor.session_id)
    options = passkeys.to_register(session, site, actor.tenant_id, me, actor.email, actor.name, nonce)
    return {"challenge": ticket, "options": options}


def add_passkey(
    session: Session, actor: Actor, site: Site, challenge: Any, answer: dict[str, Any], name: str
) -> list[str] | None:
    """Keep a passkey; returns recovery codes when it is the first factor. Raises Invalid."""
    me, had = _me(actor), has_factor(session, actor)
    if challenge is None or not challenges.use(session, me, challenge.id):
        raise Invalid("This took too long. Try once more.")
    if passkeys.add(session, site, me, bytes(challenge.nonce), answer, name.strip() or "Passkey") is None:
        raise Invalid("The browser's answer does not fit, or this passkey is here already.")
    return _added(session, actor, had, "passkey")


def remove_totp(session: Session, actor: Actor) -> None:
    """Raises NotFound without one, Conflict when it is the last factor and one is required."""
    gone = session.connection().exec_driver_sql(
        "delete from totp where user_id = %s and confirmed_at is not null", (_me(actor),)
    )
    _removed(session, actor, gone.rowcount, "totp")


def remove_passkey(session: Session, actor: Actor, id: UUID) -> None:
    """Raises NotFound for one that is not theirs, Conflict when it is the last factor and one is required."""
    gone = session.connection().exec_driver_sql("delete from passkey where user_id = %s and id = %s", (_me(actor), id))
    _removed(session, actor, gone.rowcount, "passkey")


def renew_codes(session: Session, actor: Actor) -> list[str]:
    """Ten new recovery codes; the former ones are worth nothing any more. Raises Conflict without a factor."""
    if not has_factor(session, actor):
        raise Conflict("Recovery codes belong to a second factor: set one up first.")
    codes = recovery.renew(session, _me(actor))
    record(session, actor, Action.RECOVERY_CODE_RENEWED, _who(actor))
    return codes


def try_challenge(session: Session, actor: Actor, kind: str, ticket: str) -> Any | None:
    """Count one try of a challenge that this login session asked for; None for any other."""
    read = tickets.read(kind, ticket)
    if read is None or (read.tenant, read.user) != (actor.tenant_id, actor.user_id):
        return None
    return challenges.count_try(session, _me(actor), kind, read.digest, actor.session_id)


def step_up(
    session: Session, actor: Actor, site: Site, *, password: str | None, code: str | None, challenge: Any, passkey: Any
) -> str | None:
    """Confirm that it is them; returns the method, or None when what they showed is wrong."""
    me = _me(actor)
    assert actor.session_id is not None
    if password is not None:
        method = "password" if passwords.verify(queries.password_hash(session, actor), password) else None
    elif passkey is not None and (challenge is None or not challenges.use(session, me, challenge.id)):
        method = None
    else:
        nonce = bytes(challenge.nonce) if challenge is not None else b""
        method = factors.take(session, actor.tenant_id, me, site, nonce, code, passkey)
    if method is not None:
        freshness.confirm(session, me, actor.session_id, method)
        record(session, actor, Action.STEP_UP_CONFIRMED, _who(actor), method=method)
    return method


def _added(session: Session, actor: Actor, had: bool, kind: str) -> list[str] | None:
    record(session, actor, Action.FACTOR_ADDED, _who(actor), kind=kind)
    changes.person_changed(session, actor.tenant_id, _me(actor), changes.FACTOR)
    return None if had else recovery.renew(session, _me(actor))


def _removed(session: Session, actor: Actor, gone: int, kind: str) -> None:
    if not gone:
        raise NotFound()
    if not has_factor(session, actor):
        if is_required():
            raise Conflict("Your organisation requires a second factor. Add another one before you remove this one.")
        recovery.forget(session, _me(actor))
    record(session, actor, Action.FACTOR_REMOVED, _who(actor), kind=kind)
    changes.person_changed(session, actor.tenant_id, _me(actor), changes.FACTOR)


def _me(actor: Actor) -> UUID:
    assert actor.user_id is not None
    return actor.user_id


def _who(actor: Actor) -> dict[str, str]:
    return target("user", actor.user_id, actor.email)
