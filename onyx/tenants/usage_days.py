"""The steward forgets what was used long ago: a limit is held against today, and a year is enough to look back (T10)."""

from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from onyx.tenancy.context import schema_of

from .measuring import Owner, each_there

DAYS = 400
_OLD = "delete from {} where day < current_date - %s::integer"
_log = structlog.get_logger()


def forget_all(owner_url: str) -> tuple[int, int, int]:
    """Forget in every organisation that is not put away; returns how many there are, how many lines went, and in how
    many it failed: one that fails keeps no other.
    """
    visited = gone = failed = 0
    for tenant, there in each_there(owner_url):
        visited += 1
        try:
            gone += forget(there, tenant)
        except psycopg.Error:
            failed += 1
            _log.exception("old usage not forgotten", tenant=str(tenant))
    return visited, gone, failed


def forget(there: Owner, tenant: UUID) -> int:
    """Forget in one organisation; `there` is the owner's connection to its node."""
    schema = schema_of(tenant)
    return sum(
        there.execute(sql.SQL(_OLD).format(sql.Identifier(schema, table)), [DAYS]).rowcount
        for table in ("usage_day", "quota_reached")
    )
