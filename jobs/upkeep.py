"""Work on what belongs to no tenant: spools that dead processes left, notices that everybody has obeyed."""

from onyx.core.scope import Scope
from onyx.edge.state import state
from onyx.tenancy.walls import control_plane

from .runner import Done, Run, job


@job("access_log.drain", purpose="job:control")
def drain_access_log(_run: Run) -> Done:
    """Move the spools of processes that are gone into the access logs; the living drain their own."""
    return Done(state().access_log.drain())


@job("revocations.prune", purpose="job:control")
def prune_revocations(run: Run) -> Done:
    """Remove notices older than a day: a process polls every two seconds and looks ten seconds back.

    And lines of the list of live sessions whose time is over, which nobody looked at.
    """
    with control_plane(Scope(run.tenant, "job:control")) as connection:
        gone = connection.exec_driver_sql("delete from revocation where created_at < now() - interval '1 day'")
        connection.exec_driver_sql("delete from live_session where expires_at < now() - interval '1 hour'")
        return Done(gone.rowcount)
