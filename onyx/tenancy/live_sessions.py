"""The control plane's list of where somebody may be signed in, over all tenants (docs/decisions/0009).

It is written before a session's row commits and tidied after the session ended: it holds every live session, and
perhaps a few that are none. Whoever reads it asks the tenant's own rows.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from onyx.core.scope import Scope, current_scope
from onyx.core.wire import Fixed, run_alone

from .walls import control_plane

_OPENS = Fixed("select session_opens(%s, %s, %s, %s), mark_due('sessions', now() + %s * interval '1 second')")
_EVERYWHERE = """
select count(*) from (select 1 from live_session where expires_at > now() limit 100000) as alive
"""


def expect(id: UUID, until: datetime, ip: str, device: str, idle: int) -> None:
    """Somebody is about to be signed in: the person and tenant of the open scope, purpose `auth`.

    The job that ends sessions looks at it in `idle` seconds.
    """
    with control_plane(current_scope()) as connection:
        run_alone(connection, _OPENS, (id, until, ip, device, idle))


def listed(statement: str, *values: Any) -> list[Any]:
    """Read the list, in a transaction of its own; purpose `platform`."""
    with control_plane(current_scope()) as connection:
        return list(connection.exec_driver_sql(statement, values).all())


def signed_in(tenants: list[UUID]) -> dict[UUID, int]:
    """About how many are signed in, for each of some tenants; purpose `platform`."""
    counted = "select tenant_id, count(*) from live_session where tenant_id = any(%s) and expires_at > now() group by 1"
    return {row[0]: row[1] for row in listed(counted, tenants)}


def signed_in_everywhere(scope: Scope) -> int:
    """About how many are signed in, over all tenants; counting stops at 100 000. Purpose `platform`."""
    with control_plane(scope) as connection:
        return int(connection.exec_driver_sql(_EVERYWHERE).scalar_one())


def tidy(tenant: UUID, ids: Iterable[UUID]) -> None:
    """Remove what proved to be over; what is younger than a minute may not have committed yet. Purpose `platform`."""
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql(
            "delete from live_session where tenant_id = %s and id = any(%s) and created_at < now() - interval '1 minute'",
            (tenant, list(ids)),
        )
