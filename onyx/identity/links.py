"""One-time links that set a new password: thirty minutes, one use, one winner of fifty (F20)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows
from onyx.core.ids import uuid7

from . import tickets

USE = "password_reset"
MINUTES = 30
_ADD = """
insert into password_reset (user_id, id, digest, expires_at) values (%s, %s, %s, now() + %s * interval '1 minute')
returning expires_at
"""
_HOLDS = "select 1 from password_reset where user_id = %s and digest = %s and used_at is null and expires_at > now()"
# One statement decides: whoever comes second waits for the row and then finds it used.
_REDEEM = """
update password_reset set used_at = now()
 where user_id = %s and digest = %s and used_at is null and expires_at > now() returning 1
"""


def make(session: Session, tenant: UUID, user: UUID) -> tuple[str, datetime]:
    """A new token, which only its receiver ever knows, and when it ends. Purposes `auth` and `job:mail`."""
    session.connection().exec_driver_sql(
        "delete from password_reset where user_id = %s and expires_at < now() - interval '1 day'", (user,)
    )
    token = tickets.make(USE, tenant, user)
    row = rows(session, _ADD, user, uuid7(), tickets.digest(token), MINUTES)[0]
    return token, row.expires_at


def address(base: str, token: str) -> str:
    """The link; the token stands behind `#`, so that neither logs nor Referer headers ever hold it."""
    return f"{base}/reset#{token}"


def holds(session: Session, user: UUID, digest: bytes) -> bool:
    """Whether a token could be redeemed now; only redeem() decides."""
    return bool(rows(session, _HOLDS, user, digest))


def redeem(session: Session, user: UUID, digest: bytes) -> bool:
    """Use a token up; False when it is over or somebody was faster."""
    return bool(rows(session, _REDEEM, user, digest))


def void(session: Session, user: UUID) -> None:
    """No open link of the person works any more."""
    statement = "update password_reset set used_at = now() where user_id = %s and used_at is null"
    session.connection().exec_driver_sql(statement, (user,))
