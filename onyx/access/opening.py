"""Opening login sessions: what signing in by password and by single sign-on both come down to (S1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.ids import uuid7
from onyx.identity import tokens
from onyx.identity.models import LoginSession, Profile

REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a login session lasts."""

    idle_seconds: int
    absolute_seconds: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh token and the session it stands for; the token is never seen again."""

    token: str
    session_id: UUID
    expires_at: datetime


def open_session(
    session: Session, actor: Actor, user: UUID, policy: Policy, remember: bool, device: str, factor: str | None = None
) -> SignedIn:
    """Open a login session for a person who has proved who they are, by `factor` or a password; purpose `auth`."""
    absolute = REMEMBERED if remember else timedelta(seconds=policy.absolute_seconds)
    id, expires_at = uuid7(), now() + absolute
    token = tokens.issue(user, actor.tenant_id, id, expires_at)
    session.add(
        LoginSession(
            user_id=user,
            id=id,
            token_digest=tokens.digest(token),
            idle_seconds=policy.idle_seconds,
            expires_at=expires_at,
            remember=remember,
            ip=actor.request.ip,
            user_agent=actor.request.user_agent[:300],
            device=device,
        )
    )
    profile = session.get_one(Profile, user)
    profile.last_login_at = now()
    record(session, actor, Action.SESSION_CREATED, target("session", id, device), remember=remember, factor=factor)
    return SignedIn(token, id, expires_at)
