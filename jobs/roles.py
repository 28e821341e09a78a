"""Roles that were given for a time are taken away when it is over, and open sockets are asked about anew (I2, I3)."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.db import rows
from onyx.identity import changes

from .runner import Done, Run, job

BATCH = 200
_TAKE = """
delete from user_role where (user_id, role) in (
    select user_id, role from user_role where expires_at <= now() order by expires_at limit %s)
returning user_id, role
"""


@job("roles.expire", purpose="job:roles", due="roles")
def expire(run: Run) -> Done:
    """Take away what has ended, in batches of one transaction each; one event for each person."""
    ended = 0
    while True:
        with run.unit_of_work() as session:
            found = rows(session, _TAKE, BATCH)
            of: dict[UUID, list[str]] = defaultdict(list)
            for row in found:
                of[row.user_id].append(row.role)
            for user, roles in of.items():
                record(session, run.actor, Action.ROLES_EXPIRED, target("user", user), roles=sorted(roles))
                changes.person_changed(session, run.tenant, user, "roles_changed")
        ended += len(found)
        run.tell(ended, ended)
        if len(found) < BATCH:
            return Done(ended, _next(run))


def _next(run: Run) -> datetime | None:
    with run.unit_of_work() as session:
        at: datetime | None = rows(session, "select min(expires_at) as at from user_role")[0].at
        return at
