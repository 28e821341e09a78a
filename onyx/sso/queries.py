"""Reading the tenant's provider and who is who there."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access import held
from onyx.core.actor import Actor
from onyx.core.db import rows

_SET_UP = """
select issuer, client_id, sealed_secret, domains, default_role, create_people, enabled, updated_at from sso_provider
"""
_PERSON = f"""
select u.id, u.email, u.status, p.display_name, i.subject,
       {held.ROLES}, {held.EXTRA}
  from app_user u join profile p on p.user_id = u.id
  left join external_identity i on i.user_id = u.id and i.issuer = %s
"""
_BY_SUBJECT = _PERSON + " where i.subject = %s"
_BY_EMAIL = _PERSON + " where u.email_digest = %s"
_BY_ID = _PERSON + " where u.id = %s"
_SESSIONS = """
select s.session_id as id from sso_session s join login_session l on l.user_id = s.user_id and l.id = s.session_id
 where l.state = 'active' and s.issuer = %s and (%s = '' or s.sid = %s)
   and (%s = '' or s.user_id in (select i.user_id from external_identity i where i.issuer = s.issuer and i.subject = %s))
"""
_LINKED = "select issuer, linked_at from external_identity where user_id = %s order by issuer"


def set_up(session: Session) -> Any | None:
    """The tenant's provider as it is stored; None without one."""
    found = rows(session, _SET_UP)
    return found[0] if found else None


def by_subject(session: Session, issuer: str, subject: str) -> Any | None:
    """Whose account at the provider this is: id, email, status, display_name, subject, roles, extra."""
    return _one(rows(session, _BY_SUBJECT, issuer, subject))


def by_email(session: Session, issuer: str, digest: bytes) -> Any | None:
    return _one(rows(session, _BY_EMAIL, issuer, digest))


def by_id(session: Session, issuer: str, user: UUID) -> Any | None:
    return _one(rows(session, _BY_ID, issuer, user))


def sessions_of(session: Session, issuer: str, subject: str, sid: str) -> list[UUID]:
    """The live login sessions that came from a session, or from an account, at the provider."""
    return [row.id for row in rows(session, _SESSIONS, issuer, sid, sid, subject, subject)]


def linked(session: Session, actor: Actor) -> list[Any]:
    """The accounts with which the person is connected."""
    return rows(session, _LINKED, actor.user_id)


def _one(found: list[Any]) -> Any | None:
    return found[0] if found else None
