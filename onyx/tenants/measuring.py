"""The steward measures how large and how busy organisations are: numbers alone, in tables of their own (M1, T1)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from onyx.tenancy import nodes
from onyx.tenancy.context import schema_of

from .counting import about, database_bytes, file_bytes, logs_from

Owner = psycopg.Connection[Any]
_log = structlog.get_logger()
# A backend keeps what it learned of each schema: it is let go after so many.
PER_CONNECTION = 50
DAYS = 30
_SIZE = """
insert into onyx.tenant_size (tenant_id, database_bytes, file_bytes, files, chats, messages, logs_from)
values (%s, %s, %s, %s, %s, %s, %s) on conflict (tenant_id) do update set measured_at = clock_timestamp(),
    database_bytes = excluded.database_bytes, file_bytes = excluded.file_bytes, files = excluded.files,
    chats = excluded.chats, messages = excluded.messages, logs_from = excluded.logs_from
"""
_BUSY = """
select (recorded_at at time zone 'UTC')::date as day, count(*), count(*) filter (where action = 'message.sent'),
       count(*) filter (where action = 'session.created')
  from {}.audit_event where recorded_at >= %s group by 1
"""
_DAY = """
insert into onyx.tenant_day (tenant_id, day, events, messages, sign_ins) values (%s, %s, %s, %s, %s)
on conflict (tenant_id, day) do update
   set events = excluded.events, messages = excluded.messages, sign_ins = excluded.sign_ins
"""
# From the last day that was counted on, which was not over then; at first a whole month.
_SINCE = """
select coalesce((select max(day) from onyx.tenant_day where tenant_id = %s), current_date - %s::integer)::timestamptz
"""


def measure_all(owner_url: str) -> tuple[int, int]:
    """Measure every organisation that is not put away; returns how many were, and how many could not be."""
    done = failed = 0
    with psycopg.connect(owner_url, autocommit=True) as owner:
        for tenant, there in each_there(owner_url):
            try:
                measure(owner, there, tenant)
                done += 1
            except psycopg.Error:
                failed += 1
                _log.exception("not measured", tenant=str(tenant))
    return done, failed


def measure(owner: Owner, there: Owner, tenant: UUID) -> None:
    """Measure one organisation; `there` is the owner's connection to its node."""
    sizes = (database_bytes(there, tenant), file_bytes(there, tenant))
    numbers = [about(there, tenant, table) for table in ("user_file", "chat_session", "chat_message")]
    since = owner.execute(_SINCE, [tenant, DAYS]).fetchone()
    busy = there.execute(sql.SQL(_BUSY).format(sql.Identifier(schema_of(tenant))), since).fetchall()
    with owner.transaction():
        owner.execute(_SIZE, [tenant, *sizes, *numbers, logs_from(there, tenant)])
        for day in busy:
            owner.execute(_DAY, [tenant, *day])
        owner.execute("delete from onyx.tenant_day where tenant_id = %s and day < current_date - 90", [tenant])


def each_there(owner_url: str) -> Iterator[tuple[UUID, Owner]]:
    """Every organisation that is not put away, with the owner's connection to its node."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        wanted = owner.execute(
            "select id, node from onyx.tenant where status in ('active', 'suspended') order by node, id"
        ).fetchall()
    yield from _with_connections(owner_url, wanted)


def _with_connections(owner_url: str, wanted: list[tuple[UUID, str]]) -> Iterator[tuple[UUID, Owner]]:
    for node in sorted({node for _, node in wanted}):
        mine = [tenant for tenant, of in wanted if of == node]
        for first in range(0, len(mine), PER_CONNECTION):
            with psycopg.connect(nodes.owner_of(node, owner_url), autocommit=True) as there:
                for tenant in mine[first : first + PER_CONNECTION]:
                    yield tenant, there
