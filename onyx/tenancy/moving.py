"""Moving one tenant to another database machine: copied under a lock, compared, then let go where it was (O3, T12).

Whoever writes meanwhile waits, and when it is done learns that the tenant is gone from here; the application then asks
where it lies and tries once more. Killed at any point and run again, it ends the same: until the copy is complete and
committed the tenant lies where it lay.
"""

from collections.abc import Callable
from datetime import date
from graphlib import TopologicalSorter
from uuid import UUID

import psycopg
from psycopg import sql

from . import ledger, nodes
from .backup_ledger import lock_of
from .context import schema_of
from .scripts import partitions
from .structure import script

Owner = psycopg.Connection
Progress = Callable[[int, int], None]


class NotMoved(Exception):
    """The tenant lies where it lay; the message says why."""


def move(owner_url: str, tenant: UUID, to: str, progress: Progress = lambda _done, _total: None) -> str:
    """Move a tenant to a node; returns the node on which it was. Raises NotMoved, UnknownNode."""
    target_url = nodes.owner_of(to, owner_url)
    with (
        psycopg.connect(owner_url, autocommit=True) as main,
        psycopg.connect(target_url, autocommit=True) as target,
        main.transaction(),
    ):
        if main.execute("select pg_try_advisory_xact_lock(%s, %s)", lock_of(tenant)).fetchone() != (True,):
            raise NotMoved(
                "A backup, a restore or the deletion of this organisation is under way. Wait until it is done."
            )
        row = main.execute("select node, status from onyx.tenant where id = %s for no key update", [tenant]).fetchone()
        if row is None or ledger.behind(main, tenant):
            raise NotMoved("There is no such organisation, or migrations have not reached it: run `flask migrate`.")
        node, status = row
        if main.execute("select 1 from onyx.restore_run where tenant_id = %s", [tenant]).fetchone():
            raise NotMoved("A restore of it was cut off; the steward finishes it first. Try again in a minute.")
        if status == "deleting":
            raise NotMoved("This organisation is being deleted.")
        if node == to:
            return str(node)
        if to != nodes.MAIN:
            nodes.introduce(main, target, [tenant])
        if node == nodes.MAIN:
            _carry(main, target, tenant, progress)
        else:
            with psycopg.connect(nodes.owner_of(node, owner_url), autocommit=True) as source, source.transaction():
                if _is_there(source, tenant):
                    _carry(source, target, tenant, progress)
                elif not _is_there(target, tenant):
                    raise NotMoved(f"Neither {node} nor {to} has this organisation.")
        main.execute("update onyx.tenant set node = %s where id = %s", [to, tenant])
    return str(node)


def _carry(source: Owner, target: Owner, tenant: UUID, progress: Progress) -> None:
    """Copy, compare, commit there, and only then drop here; `source` commits at the end of its transaction."""
    schema = schema_of(tenant)
    source.execute("set local lock_timeout = '20s'")
    tables = _tables(source, schema)
    everything = sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)
    source.execute(sql.SQL("lock table {} in exclusive mode").format(everything))
    with target.transaction():
        _drop(target, schema)  # what a run that was killed had copied
        _build(target, source, tenant)
        for number, table in enumerate(tables, 1):
            _copy(source, target, schema, table)
            progress(number, len(tables))
    _drop(source, schema)


def _build(target: Owner, source: Owner, tenant: UUID) -> None:
    target.execute("\n".join([script(target, tenant), ledger.all_applied(tenant)]).encode())
    months = source.execute(
        "select min(substring(relname from '[0-9]{6}$')), max(substring(relname from '[0-9]{6}$')) from pg_class"
        " where relnamespace = to_regnamespace(%s) and relispartition and relkind = 'r'",
        [schema_of(tenant)],
    ).fetchone()
    if months and months[0]:
        first, last = (date(int(text[:4]), int(text[4:]), 1) for text in months)
        count = (last.year - first.year) * 12 + last.month - first.month + 1
        target.execute(partitions(tenant.hex, first, count).encode())


def _tables(source: Owner, schema: str) -> list[str]:
    """Tables that hold rows, parents of partitions included, referenced ones before those that refer to them."""
    found = source.execute(
        "select c.relname, array(select r.relname from pg_constraint f join pg_class r on r.oid = f.confrelid"
        " where f.conrelid = c.oid and f.contype = 'f' and r.oid <> c.oid) from pg_class c"
        " where c.relnamespace = to_regnamespace(%s) and c.relkind in ('r', 'p') and not c.relispartition",
        [schema],
    ).fetchall()
    return list(TopologicalSorter({str(name): set(map(str, before)) for name, before in found}).static_order())


def _copy(source: Owner, target: Owner, schema: str, table: str) -> None:
    """One table, row for row, without its triggers; raises NotMoved when the copy is not the same."""
    names = source.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
        " and attgenerated = '' order by attnum",
        [f"{schema}.{table}"],
    ).fetchall()
    here, columns = sql.Identifier(schema, table), sql.SQL(", ").join(sql.Identifier(name) for (name,) in names)
    target.execute(sql.SQL("alter table {} disable trigger user").format(here))
    out = sql.SQL("copy (select {} from {}) to stdout (format binary)").format(columns, here)
    into = sql.SQL("copy {} ({}) from stdin (format binary)").format(here, columns)
    with source.cursor().copy(out) as reading, target.cursor().copy(into) as writing:
        for block in reading:
            writing.write(block)
    target.execute(sql.SQL("alter table {} enable trigger user").format(here))
    same = sql.SQL("select count(*), bit_xor(hashtextextended(({})::text, 0)) from {}").format(
        sql.SQL("row({})").format(columns), here
    )
    if source.execute(same).fetchone() != target.execute(same).fetchone():
        raise NotMoved(f"{table} is not the same on both sides.")


def _drop(connection: Owner, schema: str) -> None:
    role = connection.execute("select 1 from pg_roles where rolname = %s", [schema]).fetchone()
    connection.execute("set local client_min_messages = warning")
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
    if role:
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(schema)))


def _is_there(connection: Owner, tenant: UUID) -> bool:
    return connection.execute("select to_regnamespace(%s)", [schema_of(tenant)]).fetchone() != (None,)
