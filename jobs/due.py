"""Which tenants have something to do for a job, and when again: a sweep visits those, never all.

A row of onyx.due is claimed by moving it a thousand years ahead. Whoever meanwhile marks the tenant as due moves it
back to a sensible time, so that nothing is lost between looking and putting the row away; a claim older than a
minute belonged to a run that died, or to one that still holds its lease and is left alone.
"""

from datetime import datetime
from uuid import UUID

from onyx.core.scope import Scope
from onyx.tenancy.walls import control_plane

_CLAIMED = "interval '1000 years'"
_PATIENCE = "interval '1 minute'"


def tenants_due(control: Scope, job: str, limit: int = 1000) -> list[UUID]:
    """Tenants that have work for `job` now, the longest waiting first; what a closed one has waits until it opens."""
    with control_plane(control) as connection:
        found = connection.exec_driver_sql(
            "select d.tenant_id from due d join tenant t on t.id = d.tenant_id"
            " where d.job = %s and t.status = 'active' and (d.due_at <= now()"
            f" or d.due_at between now() + interval '900 years' and now() + {_CLAIMED} - {_PATIENCE})"
            " order by d.due_at limit %s",
            (job, limit),
        )
        return [row.tenant_id for row in found]


def claim(control: Scope, job: str, tenant: UUID) -> None:
    """Begin work for a tenant: out of the way of other sweeps, and back in a minute if this one dies."""
    with control_plane(control) as connection:
        connection.exec_driver_sql(
            f"update due set due_at = now() + {_CLAIMED} where job = %s and tenant_id = %s", (job, tenant)
        )


def settle(control: Scope, job: str, tenant: UUID, next_at: datetime | None) -> None:
    """End work for a tenant: due again at `next_at`, or not at all, unless somebody marked it meanwhile."""
    claimed = "job = %s and tenant_id = %s and due_at > now() + interval '900 years'"
    with control_plane(control) as connection:
        if next_at is None:
            connection.exec_driver_sql(f"delete from due where {claimed}", (job, tenant))
        else:
            connection.exec_driver_sql(f"update due set due_at = %s where {claimed}", (next_at, job, tenant))
