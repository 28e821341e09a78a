"""Every change of a login session: opened, renewed, ended by its person, by an admin, or by time."""

import math
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onyx.access.opening import SignedIn, open_session
from onyx.access.session_policy import Policy
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.errors import TooMany, Unauthenticated
from onyx.identity import tokens
from onyx.identity.models import LoginSession

GRACE = timedelta(seconds=10)
__all__ = ["SignedIn", "open_session", "rotate", "shown"]


def rotate(session: Session, actor: Actor, presented: bytes, policy: Policy) -> SignedIn:
    """Give a session a new token, and the limits of today's policy; the old token lives 10 s more.

    Reuse of an older one ends the session (F25). Raises Unauthenticated when the token that was presented is no longer
    the session's, or when the session would be over by today's policy; TooMany for a token that is not ten seconds old.
    """
    row = session.execute(
        select(LoginSession)
        .where(LoginSession.user_id == actor.user_id, LoginSession.id == actor.session_id)
        .with_for_update()
    ).scalar_one()
    if row.state != "active":
        raise Unauthenticated(reason=row.end_reason)
    if row.token_digest != presented:
        raise Unauthenticated()
    _must_not_be_new(row)
    row.idle_seconds, row.expires_at = policy.idle_seconds, policy.ends(row.created_at, row.remember)
    if row.expires_at <= now():
        raise Unauthenticated(reason="expired")
    token = tokens.issue(row.user_id, actor.tenant_id, row.id, row.expires_at)
    row.previous_digest, row.token_digest, row.rotated_at = row.token_digest, tokens.digest(token), now()
    outbox.put(session, "session.rotated", tenant=actor.tenant_id, digest=presented)
    record(session, actor, Action.SESSION_ROTATED, target("session", row.id))
    return SignedIn(token, row.id, row.expires_at)


def _must_not_be_new(row: LoginSession) -> None:
    """Of two renewals within the grace, the row would forget a token that its owner may still use."""
    left = (row.rotated_at + GRACE - now()).total_seconds() if row.rotated_at else 0.0
    if left > 0:
        raise TooMany("This token was renewed a moment ago.", retry_after=math.ceil(left))


def shown(row: LoginSession, current: UUID | None) -> dict[str, Any]:
    """A session as its own person or an admin sees it."""
    return {
        "id": row.id,
        "user_id": row.user_id,
        "device": row.device,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "created_at": row.created_at,
        "last_seen_at": row.last_seen_at,
        "expires_at": row.expires_at,
        "state": row.state,
        "end_reason": row.end_reason,
        "current": row.id == current,
    }
