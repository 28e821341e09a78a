"""Who may go on with what is under way in a tenant: asked of PostgreSQL, once for all that a notice concerns."""

from uuid import UUID

import structlog

from onyx.access.held import who_may
from onyx.core.db import rows, unit_of_work
from onyx.core.networks import is_inside
from onyx.core.scope import Scope, tenant_scope
from onyx.tenancy.settings import settings_of
from onyx.tenancy.walls import control_plane

from .streams import Stream

_log = structlog.get_logger()
_ALIVE = """
with asked as (select * from unnest(%s::uuid[], %s::uuid[]) as a(user_id, id))
select s.id from asked join login_session s using (user_id, id) join app_user u on u.id = s.user_id
 where s.state = 'active' and u.status = 'active'
union all
select k.id from asked join api_key k using (user_id, id) join app_user u on u.id = k.user_id
 where k.revoked_at is null and k.expires_at > now() and u.status = 'active'
"""


def status_of(tenant: UUID) -> str | None:
    """A tenant's state; None for one that is not there (any more)."""
    with control_plane(Scope(tenant, "auth")) as connection:
        found = connection.exec_driver_sql("select status from tenant where id = %s", (tenant,))
        status: str | None = found.scalar_one_or_none()
    return status


def is_deleted(tenant: UUID) -> bool:
    """Whether a tenant was deleted, or is about to be: its deletion is written down, which outlives it."""
    with control_plane(Scope(tenant, "platform")) as connection:
        asked = "select 1 from deletion where tenant_id = %s and state in ('confirmed', 'done')"
        return connection.exec_driver_sql(asked, (tenant,)).first() is not None


def is_open(tenant: UUID) -> bool:
    """Whether people of a tenant may work there: it is neither suspended nor archived, nor being deleted."""
    return status_of(tenant) == "active"


def surely_closed(tenant: UUID) -> bool:
    """Whether nobody may be there, as far as can be said: False also when PostgreSQL does not answer."""
    try:
        return not is_open(tenant)
    except Exception:
        _log.exception("nobody could say whether a tenant is open", tenant=str(tenant))
        return False


def over(tenant: UUID, streams: list[Stream]) -> list[Stream]:
    """Those of a tenant's streams whose tenant, login session or API key is closed or over, whose person may not go on
    since a role was changed, or whose address is outside the networks that the tenant allows.

    A stream without a session, as the job that recovers replies has, goes on as long as its tenant is open.
    """
    if not is_open(tenant):
        return streams
    asked = [stream for stream in streams if stream.session is not None]
    if not asked:
        return []
    people, sessions = [stream.user for stream in asked], [stream.session for stream in asked]
    with tenant_scope(tenant, "auth"), unit_of_work() as session:
        alive = {row.id for row in rows(session, _ALIVE, people, sessions)}
    networks = settings_of(Scope(tenant, "auth")).ip_allow
    may = {needs: who_may(tenant, people, needs) for needs in {stream.needs for stream in asked}}
    return [
        stream
        for stream in asked
        if stream.session not in alive
        or stream.user not in may[stream.needs]
        or (networks and not is_inside(stream.ip, networks))
    ]
