"""A new token for a login session that goes on (S3, F25)."""

import math
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.errors import TooMany, Unauthenticated
from onyx.identity import changes, tokens
from onyx.identity.models import LoginSession

from .opening import SignedIn
from .session_policy import Policy

GRACE = timedelta(seconds=10)


def renew(session: Session, actor: Actor, presented: bytes, policy: Policy) -> SignedIn:
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
    outbox.put(session, "session.rotated", tenant=actor.tenant_id, digest=presented, id=row.id)
    # For sockets that stay with the old one.
    changes.person_changed(session, actor.tenant_id, row.user_id, changes.TOKEN)
    record(session, actor, Action.SESSION_ROTATED, target("session", row.id))
    return SignedIn(token, row.id, row.expires_at)


def _must_not_be_new(row: LoginSession) -> None:
    """Of two renewals within the grace, the row would forget a token that its owner may still use."""
    left = (row.rotated_at + GRACE - now()).total_seconds() if row.rotated_at else 0.0
    if left > 0:
        raise TooMany("This token was renewed a moment ago.", retry_after=math.ceil(left))
