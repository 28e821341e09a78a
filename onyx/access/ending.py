"""Ending login sessions: what signing out, an admin, a new password and a suspension all come down to."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.db import rows
from onyx.core.ids import uuid7
from onyx.identity import changes
from onyx.identity.models import LoginSession

_REVOKE_KEYS = """
update api_key set revoked_at = now() where user_id = %s and revoked_at is null and expires_at > now() returning id, name
"""
# Whoever makes a key holds the login session that makes it, also one that goes on (tenant/0080).
_WAIT_FOR_MAKERS = "select 1 from login_session where user_id = %s and state = 'active' for update"


def end(session: Session, actor: Actor, row: LoginSession, state: str, reason: str) -> UUID | None:
    """End one live session: the row, the event, and after the commit its caches, sockets and streams.

    Returns the id of the revocation, whose receipt tells which processes obeyed; None when it was over already.
    """
    if row.state != "active":
        return None
    row.state, row.end_reason, row.ended_at = state, reason, now()
    action = Action.SESSION_ENDED if state == "logout" else Action.SESSION_REVOKED
    action = Action.SESSION_EXPIRED if state == "expired" else action
    record(
        session, actor, action, target("session", row.id, row.device or ""), target("user", row.user_id), reason=reason
    )
    return changes.session_ended(session, actor.tenant_id, row, reason)


def end_all_of(session: Session, actor: Actor, user: UUID, reason: str, keep: UUID | None = None) -> list[UUID]:
    """End every live session of a person, one excepted if wished; returns the ids of the revocations."""
    found = session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user, LoginSession.state == "active", LoginSession.id != (keep or uuid7()))
        .with_for_update()
    ).all()
    ended = (end(session, actor, row, "revoked", reason) for row in found)
    return [notice for notice in ended if notice]


def end_keys_of(session: Session, actor: Actor, user: UUID, reason: str) -> int:
    """Revoke every API key of a person that is still good, each with its event; returns how many. Purpose `auth`.

    One that is being made at this moment is waited for. A new password comes first: with it nobody gets in to make one.
    """
    rows(session, _WAIT_FOR_MAKERS, user)
    revoked = rows(session, _REVOKE_KEYS, user)
    for key in revoked:
        what = target("api_key", key.id, key.name)
        record(session, actor, Action.API_KEY_REVOKED, what, target("user", user), reason=reason)
        changes.key_revoked(session, actor.tenant_id, key.id, "key_revoked")
    return len(revoked)


def end_these(session: Session, actor: Actor, ids: list[UUID], reason: str) -> tuple[list[UUID], UUID | None]:
    """End some live sessions of the actor's tenant: one statement, an event for each, one notice.

    Returns which ended (others were over, or never here) and the id of the revocation.
    """
    ended = _revoke(session, reason, LoginSession.id.in_(ids))
    for row in ended:
        what = target("session", row.id, row.device or "")
        record(session, actor, Action.SESSION_REVOKED, what, target("user", row.user_id), reason=reason)
    return [row.id for row in ended], _tell_of(session, actor, ended, reason)


def end_everybody(session: Session, actor: Actor, reason: str, keep: UUID | None = None) -> tuple[int, UUID | None]:
    """End every live session of the actor's tenant, one excepted if wished: one statement, one event, one notice.

    Returns how many ended and the id of the revocation; None when there was nothing to end.
    """
    return end_found(session, actor, reason, LoginSession.id != (keep or uuid7()))


def end_found(
    session: Session, actor: Actor, reason: str, which: ColumnElement[bool], **details: Any
) -> tuple[int, UUID | None]:
    """The same of those that a condition finds; `details` say in the event by which parts of a filter they were found."""
    ended = _revoke(session, reason, which)
    if not ended:
        return 0, None
    where = target("tenant", actor.tenant_id, actor.tenant_name)
    record(session, actor, Action.SESSION_REVOKED, where, reason=reason, sessions=len(ended), **details)
    return len(ended), _tell_of(session, actor, ended, reason)


def _revoke(session: Session, reason: str, which: ColumnElement[bool]) -> list[Any]:
    return list(
        session.execute(
            update(LoginSession)
            .where(LoginSession.state == "active", which)
            .values(state="revoked", end_reason=reason, ended_at=now())
            .returning(LoginSession.id, LoginSession.user_id, LoginSession.device)
            .execution_options(synchronize_session=False)
        )
    )


def _tell_of(session: Session, actor: Actor, ended: list[Any], reason: str) -> UUID | None:
    if not ended:
        return None
    return changes.sessions_ended(session, actor.tenant_id, [row.id for row in ended], reason)
