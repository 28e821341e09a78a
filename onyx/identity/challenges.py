"""Challenges: one person's, one use, five minutes, five tries, whatever happens in parallel."""

import os
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows
from onyx.core.ids import uuid7

from . import tickets

MINUTES, TRIES = 5, 5
_OPEN = """
insert into factor_challenge (user_id, id, kind, digest, nonce, session_id, remember, expires_at)
values (%s, %s, %s, %s, %s, %s, %s, now() + %s * interval '1 minute')
"""
_TRY = """
update factor_challenge set attempts = attempts + 1
 where user_id = %s and digest = %s and kind = %s and used_at is null and attempts < %s and expires_at > now()
   and session_id is not distinct from %s
returning id, nonce, remember, attempts
"""


def open_one(
    session: Session, tenant: UUID, user: UUID, kind: str, login: UUID | None = None, remember: bool = False
) -> tuple[str, bytes]:
    """A new challenge: its ticket, and the nonce that a passkey may sign. Purpose `auth`."""
    ticket, nonce = tickets.make(kind, tenant, user), os.urandom(32)
    run = session.connection().exec_driver_sql
    run("delete from factor_challenge where user_id = %s and expires_at < now() - interval '1 hour'", (user,))
    run(_OPEN, (user, uuid7(), kind, tickets.digest(ticket), nonce, login, remember, MINUTES))
    return ticket, nonce


def count_try(session: Session, user: UUID, kind: str, digest: bytes, login: UUID | None = None) -> Any | None:
    """One try more of a challenge that holds: its id, nonce, remember; None when it is over.

    Commit this before the proof is looked at, or tries in parallel would not count.
    """
    found = rows(session, _TRY, user, digest, kind, TRIES, login)
    return found[0] if found else None


def use(session: Session, user: UUID, id: UUID) -> bool:
    """Use a challenge up; False when somebody was faster. With the transaction it is undone."""
    statement = (
        "update factor_challenge set used_at = now() where user_id = %s and id = %s and used_at is null returning 1"
    )
    return bool(rows(session, statement, user, id))


def void(session: Session, user: UUID) -> None:
    """No open challenge of the person holds any more."""
    statement = "update factor_challenge set used_at = now() where user_id = %s and used_at is null"
    session.connection().exec_driver_sql(statement, (user,))
