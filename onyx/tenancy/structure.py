"""What a tenant's schema is made of, on the node of a connection: its script, and the partitions of its logs."""

from uuid import UUID

import psycopg

from onyx.core.clock import now

from . import nodes
from .scripts import LOGS, months_from, partitions, whole

_LACKING = """
select t.id from unnest(%s::uuid[]) as t(id) where exists (
    select 1 from unnest(%s::text[]) as name
     where to_regclass('tenant_' || replace(t.id::text, '-', '') || '.' || name) is null)
"""


def script(connection: psycopg.Connection, tenant: UUID) -> str:
    """All that makes a tenant's schema on the node of this connection: rendered from what was prepared once."""
    return whole(now().date().replace(day=1), nodes.is_citus(connection)).replace("@tenant@", tenant.hex)


def make_partitions(connection: psycopg.Connection, tenant: UUID, months: int = 3) -> None:
    """Make the log partitions of this month and the following ones where they are missing."""
    connection.execute(partitions(tenant.hex, now().date(), months).encode())


def lacking(connection: psycopg.Connection, tenants: list[UUID], months: int) -> list[UUID]:
    """Those that lack any partition of this month and the following ones."""
    return [row[0] for row in connection.execute(_LACKING, [tenants, _names(months)])]


def _names(months: int) -> list[str]:
    return [f"{table}_{month:%Y%m}" for month in months_from(now().date(), months) for table in LOGS]
