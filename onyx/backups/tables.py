"""What a tenant's schema consists of, as the catalogue says: tables in an order in which they can be filled."""

from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from onyx.tenancy.context import schema_of
from onyx.tenancy.inside import relations

from .frames import NOBODY

Connection = psycopg.Connection[Any]

# What every session that writes or reads rows as text must agree on.
PINNED = (
    "set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; set local timezone = 'UTC';"
    " set local extra_float_digits = 1; set local bytea_output = 'hex'; set local client_encoding = 'UTF8';"
    " set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
)


class Table(NamedTuple):
    """One table: the columns that are stored as given, whose rows they are, and an order that is always the same.

    `owner` is the column that names the person whose rows they are (user_id, or what refers to app_user), None where
    rows are the tenant's; it leads the order. `size` is in
    bytes, `months` are those of a log's partitions (`202611`).
    """

    name: str
    columns: tuple[str, ...]
    owner: str | None
    order: tuple[str, ...]
    size: int
    months: tuple[str, ...]
    partitioned: bool

    def select(self, schema: str) -> sql.Composed:
        """Its rows as a query, for COPY … TO STDOUT; the person's id comes first where there is one."""
        names = [sql.Identifier(name) for name in self.columns]
        first = [sql.SQL(self.order[0])] if self.owner else []
        order = sql.SQL(", ").join(sql.SQL(part) for part in self.order)
        return sql.SQL("copy (select {} from {}.{} order by {}) to stdout").format(
            sql.SQL(", ").join([*first, *names]), sql.Identifier(schema), sql.Identifier(self.name), order
        )

    def fill(self, schema: str) -> sql.Composed:
        names = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return sql.SQL("copy {}.{} ({}) from stdin").format(sql.Identifier(schema), sql.Identifier(self.name), names)


def tables(connection: Connection, schema: str) -> list[Table]:
    """Every table of a schema, those that others refer to first. Raises LookupError when they refer in a circle."""
    found = {row[0]: row for row in connection.execute(_TABLES, {"schema": schema})}
    refers: dict[str, set[str]] = {name: set() for name in found}
    for name, target in connection.execute(_REFERENCES, {"schema": schema}):
        if name != target and name in refers:
            refers[name].add(target)
    ordered: list[str] = []
    while len(ordered) < len(found):
        free = sorted(name for name in found if name not in ordered and refers[name] <= set(ordered))
        if not free:
            raise LookupError(f"these tables refer to each other in a circle: {sorted(set(found) - set(ordered))}")
        ordered += free
    return [_table(*found[name]) for name in ordered]


def _table(
    name: str,
    columns: list[str],
    found: list[str] | None,
    key: list[str],
    size: int,
    months: list[str],
    partitioned: bool,
) -> Table:
    owner, lead = ("id", "id") if name == "app_user" else (found[0], found[1]) if found else (None, None)
    return Table(
        name,
        tuple(columns),
        owner,
        (*([lead] if lead else []), *(part for part in key if part != owner)),
        size,
        tuple(months),
        partitioned,
    )


def versions(connection: Connection, tenant: UUID) -> list[int]:
    """Which scripts a tenant's schema has seen."""
    rows = connection.execute(
        "select version from onyx.tenant_migration where tenant_id = %s and state = 'applied' order by version",
        [tenant],
    )
    return [row[0] for row in rows]


def without_row_security(connection: Connection, tenant: UUID) -> list[str]:
    """Tables and partitions of a tenant on which row-level security is off."""
    rows = connection.execute(
        f"select relname from {relations()} c where relkind in ('r', 'p') and not relrowsecurity order by 1".encode(),
        [schema_of(tenant)],
    )
    return [row[0] for row in rows]


# Rows that name nobody are the tenant's: NOBODY's, the first in the order.
_TABLES = f"""
select c.relname,
       array(select attname::text from pg_attribute a where a.attrelid = c.oid and attnum > 0 and not attisdropped
                and attgenerated = '' order by attnum),
       (select array[attname::text, case when attnotnull then quote_ident(attname)
                                         else format('coalesce(%%I, ''{NOBODY}'')', attname) end]
          from pg_attribute a left join (pg_constraint k join pg_class f on f.oid = k.confrelid)
            on k.contype = 'f' and k.conrelid = c.oid and k.conkey = array[attnum] and f.relname = 'app_user'
         where a.attrelid = c.oid and atttypid = 'uuid'::regtype
           and (attname = 'user_id' and attnotnull or k.oid is not null) order by attname <> 'user_id' limit 1),
       array(select quote_ident(attname) || case when typcollation <> 0 then ' collate "C"' else '' end
               from unnest(i.indkey::int2[]) with ordinality k(num, nth)
               join pg_attribute a on a.attrelid = c.oid and a.attnum = k.num
               join pg_type t on t.oid = a.atttypid order by nth),
       coalesce((select sum(pg_table_size(p.inhrelid)) from pg_inherits p where p.inhparent = c.oid),
                pg_table_size(c.oid))::bigint,
       array(select right(x.relname, 6) from pg_inherits p join pg_class x on x.oid = p.inhrelid
              where p.inhparent = c.oid order by 1),
       c.relkind = 'p'
  from {relations("%(schema)s")} c join pg_index i on i.indrelid = c.oid and i.indisprimary
 where c.relkind in ('r', 'p') and not c.relispartition
"""
_REFERENCES = f"""
select distinct c.relname, f.relname from {relations("%(schema)s")} c
  join pg_constraint k on k.conrelid = c.oid and k.contype = 'f' join pg_class f on f.oid = k.confrelid
"""
