"""Login sessions that were idle too long or reached their end are ended, with the reason the person is told (S2, S3)."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onyx.access.ending import end
from onyx.core.clock import now
from onyx.core.db import rows
from onyx.identity.models import LoginSession

from .runner import Done, Run, job

BATCH = 200
# What was seen is written down every 20 s: somebody who is just working must not count as idle.
_GRACE = "interval '60 seconds'"

_NEXT = f"""
select min(least(expires_at, last_seen_at + idle_seconds * interval '1 second' + {_GRACE})) as at
  from login_session where state = 'active'
"""


@job("sessions.expire", purpose="job:sessions", due="sessions")
def expire(run: Run) -> Done:
    """End what is over, in batches of one transaction each."""
    ended = 0
    while True:
        with run.unit_of_work() as session:
            found = _over(session)
            for row in found:
                reason = "expired" if row.expires_at <= now() else "idle"
                end(session, run.actor, row, "expired", reason)
        ended += len(found)
        run.tell(ended, ended)
        if len(found) < BATCH:
            return Done(ended, _next(run))


def _over(session: Session) -> list[LoginSession]:
    idle_until = LoginSession.last_seen_at + func.make_interval(0, 0, 0, 0, 0, 0, LoginSession.idle_seconds + 60)
    return list(
        session.scalars(
            select(LoginSession)
            .where(LoginSession.state == "active", (LoginSession.expires_at <= func.now()) | (idle_until <= func.now()))
            .order_by(LoginSession.created_at, LoginSession.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
    )


def _next(run: Run) -> datetime | None:
    with run.unit_of_work() as session:
        at: datetime | None = rows(session, _NEXT)[0].at
        return at
