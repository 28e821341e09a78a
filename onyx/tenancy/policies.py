"""Do all schemas have the policies of the migrations, all TO PUBLIC, each of them asking the context? (T3)

A fingerprint for each schema, in one look at the catalogue whatever the number of tenants; only schemas whose
fingerprint is not the usual one are looked at policy by policy. A tenant that a migration has not reached yet, or that
a newer version has migrated already, is judged by what its ledger says.
"""

import re
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from onyx.core.scope import Scope

from .context import sign
from .ledger import latest, versions
from .scripts import scripts
from .walls import backend

_TENANTS = "^tenant_[0-9a-f]{32}$"
_TOLD = 5
_SAMPLE = 4


def fallen(connection: Connection) -> list[str]:
    """What is wrong with policies, five schemas at most."""
    context = sign(Scope(uuid4(), "job:control"), backend(connection))
    connection.exec_driver_sql("select set_config('onyx.context', %s, true)", (context,))
    fell = _differ(connection, "onyx", frozenset(versions("platform")), "platform", newer=_newer_platform(connection))
    for schema in connection.exec_driver_sql(_UNUSUAL, (sorted(expected("tenant", _all())), _TENANTS)).scalars():
        if len(fell) >= _TOLD:
            break
        applied = _applied(connection, schema)
        fell += _differ(connection, schema, applied, "tenant", newer=bool(applied and max(applied) > latest()))
    sample = connection.exec_driver_sql(_SOME, (_TENANTS, _SAMPLE)).scalars().all()
    lax = connection.exec_driver_sql(_LAX, (list(sample),))
    return fell + [f"this policy does not ask the context: {row[0]}" for row in lax]


def _differ(connection: Connection, schema: str, applied: frozenset[int], kind: str, newer: bool) -> list[str]:
    """One schema, policy by policy. Where a newer version has migrated already, more policies than ours are right."""
    wanted = expected(kind, applied)
    found: dict[str, bool] = {row[0]: row[1] for row in connection.exec_driver_sql(_NAMES, (schema,))}
    wrong = [f"{name} is missing" for name in sorted(wanted - found.keys())]
    wrong += [f"{name} is unknown" for name in sorted(found.keys() - wanted) if not newer]
    wrong += [f"{name} is not TO PUBLIC" for name, public in sorted(found.items()) if not public]
    return [f"policies of {schema} are not those of the migrations: {', '.join(wrong)}"] if wrong else []


def _applied(connection: Connection, schema: str) -> frozenset[int]:
    """The scripts that made a schema: of a tenant, or of one that was prepared ahead."""
    found = connection.exec_driver_sql(_APPLIED, (schema, schema)).scalars()
    return frozenset(found) or _all()


def _newer_platform(connection: Connection) -> bool:
    """Whether a newer version has migrated some tenant already, as during a rolling upgrade."""
    version: Any = connection.exec_driver_sql("select max(version) from onyx.tenant_migration").scalar_one()
    return (version or 0) > latest()


def _all() -> frozenset[int]:
    return frozenset(versions())


@cache
def expected(kind: str, applied: frozenset[int]) -> frozenset[str]:
    """`table.policy` for each policy that these scripts leave."""
    standing: set[str] = set()
    for script in scripts(kind):
        if script.version not in applied:
            continue
        for verb, name, table in re.findall(
            r"\b(create|drop) policy (?:if exists )?(\w+) on (?:onyx\.)?(\w+)", script.sql
        ):
            (standing.add if verb == "create" else standing.discard)(f"{table}.{name}")
    return frozenset(standing)


# Each part once (`materialized`): the planner takes a catalogue that has just grown for a small one, and would count
# all policies anew for every schema.
_UNUSUAL = """
with usual as materialized (select count(*) as many, bit_xor(hashtextextended(name, 0)) as mark from unnest(%s::text[]) as name),
present as materialized (
    select c.relnamespace, count(*) as many, bit_xor(hashtextextended(c.relname::text || '.' || p.polname, 0)) as mark,
           bool_and(p.polroles = '{0}') as public
      from pg_policy p join pg_class c on c.oid = p.polrelid group by c.relnamespace)
select n.nspname from pg_namespace n cross join usual u left join present p on p.relnamespace = n.oid
 where n.nspname ~ %s and (p.many, p.mark, p.public) is distinct from (u.many, u.mark, true) order by n.nspname
"""
_APPLIED = """
select version from onyx.tenant_migration
 where state = 'applied' and 'tenant_' || replace(tenant_id::text, '-', '') = %s
 union all select unnest(versions) from onyx.prepared_tenant where 'tenant_' || replace(tenant_id::text, '-', '') = %s
"""
_NAMES = """
select c.relname || '.' || p.polname, p.polroles = '{0}' from pg_policy p join pg_class c on c.oid = p.polrelid
 where c.relnamespace = to_regnamespace(%s)
"""
_SOME = """
select oid from pg_namespace where nspname = 'onyx'
 union all (select oid from pg_namespace where nspname ~ %s order by random() limit %s)
"""
# The tables first, so that not each policy of each tenant is read. The tree itself, not pg_get_expr(): that opens the
# table, and a start would wait for a restore, or whatever else holds it.
_LAX = """
select p.polrelid::regclass::text || ' ' || p.polname from pg_policy p
 cross join (select ':funcid (' || string_agg(oid::text, '|') || ') ' as asks from pg_proc
              where pronamespace = 'onyx'::regnamespace and proname ~ '^ctx_') judge
 where p.polrelid = any(array(select oid from pg_class where relnamespace = any(%s::oid[]) and relkind in ('r', 'p')))
   and (p.polqual::text !~ asks or p.polwithcheck::text !~ asks)
"""
