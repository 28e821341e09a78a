"""Reading login sessions and people who sign in."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onyx.access import held
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.db import only_rows, rows
from onyx.core.wire import Fixed
from onyx.identity.models import LoginSession

_PERSON = f"""
select u.id, u.email, u.status, c.password_hash, p.display_name,
       {held.ROLES}, {held.EXTRA},
       exists (select 1 from totp t where t.user_id = u.id and t.confirmed_at is not null)
         or exists (select 1 from passkey k where k.user_id = u.id) as has_factor
  from app_user u join profile p on p.user_id = u.id left join credential c on c.user_id = u.id
"""
_BY_EMAIL = Fixed(f"{_PERSON} where u.email_digest = decode(%s, 'hex')")
_BY_ID = Fixed(f"{_PERSON} where u.id = %s")


def person_by_email(session: Session, email_digest: bytes) -> Any | None:
    """Who signs in with this e-mail (purpose `auth`): id, email, status, password_hash, display_name, roles,
    has_factor; or None."""
    found = only_rows(session, _BY_EMAIL, email_digest.hex())
    return found[0] if found else None


def person_by_id(session: Session, user: UUID) -> Any | None:
    """The same of somebody whose password was right a moment ago."""
    found = rows(session, _BY_ID, user)
    return found[0] if found else None


def own(session: Session, actor: Actor) -> list[LoginSession]:
    """The person's live sessions, newest first."""
    return list(
        session.scalars(
            select(LoginSession)
            .where(LoginSession.user_id == actor.user_id, _alive())
            .order_by(LoginSession.created_at.desc(), LoginSession.id.desc())
        )
    )


def login_session(session: Session, actor: Actor, session_id: UUID) -> LoginSession | None:
    """One of the person's own live sessions (a loader for `requires`)."""
    return session.scalars(
        select(LoginSession).where(
            LoginSession.user_id == actor.user_id, LoginSession.id == session_id, LoginSession.state == "active"
        )
    ).one_or_none()


def live_session(session: Session, _actor: Actor, session_id: UUID) -> LoginSession | None:
    """A live session of anybody in the tenant, for those who may end it."""
    return session.scalars(
        select(LoginSession).where(LoginSession.id == session_id, LoginSession.state == "active")
    ).one_or_none()


def any_session(session: Session, _actor: Actor, session_id: UUID) -> LoginSession | None:
    """A session of anybody in the tenant, whether it lives or has ended (a loader for `requires`)."""
    return session.scalars(select(LoginSession).where(LoginSession.id == session_id)).one_or_none()


def _alive() -> Any:
    idle_until = LoginSession.last_seen_at + func.make_interval(0, 0, 0, 0, 0, 0, LoginSession.idle_seconds)
    return (LoginSession.state == "active") & (LoginSession.expires_at > now()) & (idle_until > now())
