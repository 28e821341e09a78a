"""Mail that waits, read and settled by the job that sends it (purpose `job:mail`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows

TRIES = 5
# Taken before it is sent: if this worker dies, another tries again after the pause.
_TAKE = """
update outgoing_mail m set attempts = m.attempts + 1, due_at = now() + 30 * power(2, m.attempts) * interval '1 second'
  from (select user_id, id from outgoing_mail where state = 'waiting' and due_at <= now()
         order by due_at limit 1 for update skip locked) as one, app_user u, profile p
 where m.user_id = one.user_id and m.id = one.id and u.id = m.user_id and p.user_id = m.user_id
returning m.user_id, m.id, m.kind, m.subject_id, m.attempts, m.created_at, u.email, u.status, p.display_name
"""
_SETTLE = "update outgoing_mail set state = %s, finished_at = now() where user_id = %s and id = %s"


def take(session: Session) -> Any | None:
    """The mail whose turn it is, with its receiver; None when none is due."""
    found = rows(session, _TAKE)
    return found[0] if found else None


def settle(session: Session, user: UUID, id: UUID, state: str) -> None:
    """A mail's last word: "sent", "failed" or "dropped"."""
    session.connection().exec_driver_sql(_SETTLE, (state, user, id))


def next_due(session: Session) -> datetime | None:
    """When the next mail's turn comes; None when none waits."""
    at: datetime | None = rows(session, "select min(due_at) as at from outgoing_mail where state = 'waiting'")[0].at
    return at
