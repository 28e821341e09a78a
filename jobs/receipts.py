"""Revocations that some process has not obeyed, as far as anybody knows, are told again until all have (S5, F33)."""

from onyx.core.scope import Scope
from onyx.edge.receipts import GONE_SECONDS, Seen
from onyx.edge.state import state
from onyx.tenancy.notices import Notice
from onyx.tenancy.walls import control_plane

from .runner import Done, Run, job

BATCH = 500
# Whoever dies between the commit and telling leaves a notice that nobody told. A transaction may take a minute: before
# that nobody can know whether the change stands.
_OPEN = """
select id, tenant_id, kind, subject_id, reason from revocation
 where settled_at is null and created_at > now() - interval '1 day'
   and (told_at < now() - interval '5 seconds' or created_at < now() - interval '1 minute')
 order by created_at limit %s
"""


@job("revocations.retry", purpose="job:control")
def retry(run: Run) -> Done:
    """Settle what every living process has obeyed; ask again about the rest. Raises Away, and is done again later."""
    bus, control = state().bus, Scope(run.tenant, "job:control")
    with control_plane(control) as connection:
        found = connection.exec_driver_sql(_OPEN, (BATCH,)).all()
    seen = bus.receipts.read([row.id for row in found])
    living = set(bus.receipts.alive(GONE_SECONDS))
    settled = [row.id for row in found if _is_settled(seen[row.id], living)]
    with control_plane(control) as connection:
        connection.exec_driver_sql("update revocation set settled_at = now() where id = any(%s)", (settled,))
    for row in found:
        if row.id not in settled:
            bus.tell_again(Notice(row.id, row.tenant_id, row.kind, row.subject_id, row.reason))
    return Done(len(found) - len(settled))


def _is_settled(seen: Seen, living: set[str]) -> bool:
    """Whoever has given no sign of life for a minute has neither requests nor sockets any more."""
    asked = set(seen.asked) or living
    return bool(seen.acknowledged) and not (asked & living) - seen.acknowledged.keys()
