"""API keys that have run out are ended as revoked ones are: sockets that were opened with them close too (I8, J1)."""

from datetime import datetime

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.db import rows
from onyx.identity import changes

from .runner import Done, Run, job

BATCH = 200
_OVER = """
update api_key k set revoked_at = now()
 where (k.user_id, k.id) in (select o.user_id, o.id from api_key o where o.revoked_at is null and o.expires_at <= now()
                              order by o.expires_at limit %s for update skip locked)
returning k.user_id, k.id, k.name
"""
_NEXT = "select min(expires_at) as at from api_key where revoked_at is null"


@job("keys.expire", purpose="job:sessions", due="keys")
def expire(run: Run) -> Done:
    """End what is over, in batches of one transaction each."""
    ended = 0
    while True:
        with run.unit_of_work() as session:
            found = rows(session, _OVER, BATCH)
            for row in found:
                what = target("api_key", row.id, row.name)
                record(session, run.actor, Action.API_KEY_EXPIRED, what, target("user", row.user_id))
                changes.key_revoked(session, run.actor.tenant_id, row.id, "expired")
        ended += len(found)
        run.tell(ended, ended)
        if len(found) < BATCH:
            return Done(ended, _next(run))


def _next(run: Run) -> datetime | None:
    with run.unit_of_work() as session:
        at: datetime | None = rows(session, _NEXT)[0].at
        return at
