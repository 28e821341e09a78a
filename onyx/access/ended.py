"""Asking PostgreSQL which login sessions are over, for many at once."""

from uuid import UUID

from onyx.core.db import rows, unit_of_work
from onyx.core.scope import tenant_scope

_AMONG = (
    "select s.id, coalesce(s.end_reason, 'expired') as reason from unnest(%s::uuid[], %s::uuid[]) as v (user_id, id)"
    " join login_session s on s.user_id = v.user_id and s.id = v.id where s.state <> 'active'"
)
_LATELY = "select id from login_session where state <> 'active' and ended_at > now() - %s * interval '1 second'"


def ended_among(tenant: UUID, pairs: list[tuple[UUID, UUID]]) -> dict[UUID, str]:
    """Which of these sessions, given as (person, session), have ended, and why."""
    if not pairs:
        return {}
    with tenant_scope(tenant, "job:sessions"), unit_of_work() as session:
        found = rows(session, _AMONG, [user for user, _ in pairs], [id for _, id in pairs])
    return {row.id: row.reason for row in found}


def ended_lately(tenant: UUID, seconds: int) -> list[UUID]:
    """The sessions of a tenant that ended within so many seconds."""
    with tenant_scope(tenant, "job:sessions"), unit_of_work() as session:
        return [row.id for row in rows(session, _LATELY, seconds)]
