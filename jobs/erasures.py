"""Erasures that were begun by a process which died: ended, or taken back when the person is still there (C11)."""

from datetime import timedelta

from onyx.access.erasing import certify
from onyx.core.clock import now
from onyx.core.db import rows, unit_of_work
from onyx.core.scope import tenant_scope
from onyx.edge.state import state
from onyx.tenancy import erasure

from .runner import Done, Run, job

# A transaction is over by then: statements end after 30 seconds, idle ones after a minute.
_SETTLED = timedelta(minutes=10)


@job("erasures.finish", purpose=erasure.PURPOSE, due=erasure.JOB)
def finish(run: Run) -> Done:
    """End what is open in one tenant; what is younger than ten minutes, with the person still there, may yet commit."""
    done, waiting = 0, False
    kept = timedelta(days=state().settings.physical_backup_days)
    for one in erasure.open_ones(run.tenant):
        with tenant_scope(run.tenant, erasure.PURPOSE, one.user_id), unit_of_work() as session:
            there = bool(rows(session, "select 1 from app_user where id = %s", one.user_id))
        if not there:
            done += certify(run.tenant, one.user_id, kept)
        elif one.begun_at < now() - _SETTLED:
            erasure.take_back(run.tenant, one.user_id)
        else:
            waiting = True
        run.tell(done, done)
    return Done(done, now() + timedelta(minutes=1) if waiting else None)
