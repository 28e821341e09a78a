"""How much an organisation has: counts and sizes, read by the owner; never what is in the rows."""

from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from onyx.tenancy.context import schema_of
from onyx.tenancy.inside import relations

Owner = psycopg.Connection[Any]
_MANY = 200_000
_COUNTED = {
    "people": "app_user", "login_sessions": "login_session", "chats": "chat_session", "messages": "chat_message",
    "projects": "project", "files": "user_file", "api_keys": "api_key", "events": "audit_event",
    "access_entries": "access_entry",
}  # fmt: skip
# What the log's last line says of itself, as text that PostgreSQL always writes the same way.
_LAST = """
select event_id, recorded_at, encode(sha256(convert_to(to_jsonb(e)::text, 'UTF8')), 'hex')
  from {}.audit_event e order by recorded_at desc, event_id desc limit 1
"""
_SIZE = f"""
select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from {relations()} c where c.relkind in ('r', 'm')
"""
_LOGS_FROM = f"""
select min(to_date(right(c.relname, 6), 'YYYYMM')) from {relations()} c
 where c.relkind = 'r' and c.relname ~ '^audit_event_[0-9]{{6}}$'
"""


def count_all(owner: Owner, tenant: UUID) -> dict[str, Any]:
    """Everything that a deletion certificate tells of what there was; all numbers are whole."""
    schema = schema_of(tenant)
    if owner.execute("select to_regnamespace(%s)", [schema]).fetchone() == (None,):
        return {}
    counted: dict[str, Any] = {name: rows_of(owner, tenant, table) for name, table in _COUNTED.items()}
    last = owner.execute(sql.SQL(_LAST).format(sql.Identifier(schema))).fetchone()
    counted["database_bytes"] = database_bytes(owner, tenant)
    counted["file_bytes"] = file_bytes(owner, tenant)
    counted["last_event"] = (
        {"id": str(last[0]), "recorded_at": last[1].isoformat(), "sha256": last[2]} if last else None
    )
    return counted


def rows_of(owner: Owner, tenant: UUID, table: str) -> int:
    return _number(owner, sql.SQL("select count(*) from {}").format(sql.Identifier(schema_of(tenant), table)))


def about(owner: Owner, tenant: UUID, table: str) -> int:
    """How many rows: counted, or where there are a great many, as PostgreSQL estimates since it last looked."""
    name = f"{schema_of(tenant)}.{table}"
    known = owner.execute("select reltuples::bigint from pg_class where oid = %s::regclass", [name]).fetchone()
    return int(known[0]) if known and known[0] > _MANY else rows_of(owner, tenant, table)


def file_bytes(owner: Owner, tenant: UUID) -> int:
    whole = sql.SQL("select coalesce(sum(size), 0)::bigint from {}")
    return _number(owner, whole.format(sql.Identifier(schema_of(tenant), "user_file")))


def database_bytes(owner: Owner, tenant: UUID) -> int:
    """All tables of a tenant with their indexes, in bytes."""
    row = owner.execute(_SIZE, [schema_of(tenant)]).fetchone()
    return int(row[0]) if row else 0


def logs_from(owner: Owner, tenant: UUID) -> date | None:
    """The first day of the oldest month whose log is kept."""
    row = owner.execute(_LOGS_FROM, [schema_of(tenant)]).fetchone()
    return row[0] if row else None


def _number(owner: Owner, statement: sql.Composed) -> int:
    row = owner.execute(statement).fetchone()
    return int(row[0]) if row else 0
