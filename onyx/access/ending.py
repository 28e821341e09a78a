"""Ending login sessions: what signing out, an admin, a new password and a suspension all come down to."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.ids import uuid7
from onyx.identity import changes
from onyx.identity.models import LoginSession


def end(session: Session, actor: Actor, row: LoginSession, state: str, reason: str) -> UUID | None:
    """End one live session: the row, the event, and after the commit its caches, sockets and streams.

    Returns the id of the revocation, whose receipt tells which processes obeyed; None when it was over already.
    """
    if row.state != "active":
        return None
    row.state, row.end_reason, row.ended_at = state, reason, now()
    action = Action.SESSION_ENDED if reason == "signed_out" else Action.SESSION_REVOKED
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


def end_everybody(session: Session, actor: Actor, reason: str, keep: UUID | None = None) -> tuple[int, UUID | None]:
    """End every live session of the actor's tenant, one excepted if wished: one statement, one event, one notice.

    Returns how many ended and the id of the revocation; None when there was nothing to end.
    """
    ids = list(
        session.scalars(
            update(LoginSession)
            .where(LoginSession.state == "active", LoginSession.id != (keep or uuid7()))
            .values(state="revoked", end_reason=reason, ended_at=now())
            .returning(LoginSession.id)
            .execution_options(synchronize_session=False)
        )
    )
    if not ids:
        return 0, None
    where = target("tenant", actor.tenant_id, actor.tenant_name)
    record(session, actor, Action.SESSION_REVOKED, where, reason=reason, sessions=len(ids))
    return len(ids), changes.sessions_ended(session, actor.tenant_id, ids, reason)
