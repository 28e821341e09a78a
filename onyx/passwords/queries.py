"""Whose password it is (purpose `auth`)."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows

_PERSON = "select u.id, u.email, u.status, p.display_name from app_user u join profile p on p.user_id = u.id"
# Those who come in by single sign-on alone have no password that they could forget.
_BY_EMAIL = _PERSON + " where u.email_digest = %s and exists (select 1 from credential c where c.user_id = u.id)"
_BY_ID = _PERSON + " where u.id = %s"


def by_email(session: Session, email_digest: bytes) -> Any | None:
    found = rows(session, _BY_EMAIL, email_digest)
    return found[0] if found else None


def by_id(session: Session, user: UUID) -> Any | None:
    found = rows(session, _BY_ID, user)
    return found[0] if found else None
