"""The ledger: which tenant is at which version, what it lacks, and why a script did not apply to it (T11)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from onyx.core.scope import Scope

from .scripts import Script, scripts
from .walls import control_plane

_MISSING = """
  from onyx.tenant t cross join unnest(%s::int[]) as w(version)
  left join onyx.tenant_migration m on m.tenant_id = t.id and m.version = w.version and m.state = 'applied'
 where m.tenant_id is null and t.status not in ('provisioning', 'deleting')
"""
_BEHIND = f"""
select t.id, t.slug, t.node, array_agg(w.version order by w.version) as missing {_MISSING}
   and (%s::uuid is null or t.id = %s) group by t.id order by t.id
"""


@dataclass(frozen=True, slots=True)
class Behind:
    """A tenant that lacks scripts, by number."""

    id: UUID
    slug: str
    node: str
    missing: list[int]


def behind(connection: psycopg.Connection, only: UUID | None = None) -> list[Behind]:
    """All tenants that lack a script of this checkout, in one query whatever their number; or one of them."""
    return [Behind(*row) for row in connection.execute(_BEHIND, [versions(), only, only])]


def failed(connection: psycopg.Connection) -> dict[str, str]:
    """Organisations for which a script did not apply: slug → which, and why."""
    found = connection.execute(
        "select t.slug, m.version, m.name, m.error from onyx.tenant_migration m join onyx.tenant t on t.id = m.tenant_id"
        " where m.state = 'failed' order by t.slug, m.version"
    )
    return {slug: f"{version:04} {name}: {(error or '').strip()}" for slug, version, name, error in found}


def versions(kind: str = "tenant") -> list[int]:
    """The numbers of this checkout's scripts, ascending."""
    return [script.version for script in scripts(kind)]


def latest() -> int:
    """The version of this checkout: the highest number."""
    return versions()[-1]


def line(tenant: UUID, script: Script, error: str | None = None) -> str:
    """The statement that writes how a script went for a tenant; it travels with the script itself."""
    values = [sql.Literal(v) for v in (tenant, script.version, script.name, "failed" if error else "applied", error)]
    text = sql.SQL(
        "insert into onyx.tenant_migration (tenant_id, version, name, state, error) values ({})"
        " on conflict (tenant_id, version) do update set state = excluded.state, error = excluded.error,"
        " finished_at = clock_timestamp() where tenant_migration.state <> 'applied'"
    )
    return text.format(sql.SQL(", ").join(values)).as_string()


def all_applied(tenant: UUID) -> str:
    """The statement that writes that a tenant was made at this version."""
    wanted = scripts("tenant")
    values = [tenant, [s.version for s in wanted], [s.name for s in wanted]]
    text = sql.SQL(
        "insert into onyx.tenant_migration (tenant_id, version, name, state)"
        " select {}, v, n, 'applied' from unnest({}::int[], {}::text[]) as w(v, n) on conflict do nothing"
    )
    return text.format(*map(sql.Literal, values)).as_string()


# -- for the platform's pages: as onyx_app, under purpose `platform`

_STATE = """
select t.id, t.slug, t.name, t.status, t.node, l.version, l.finished_at, l.failed, l.error,
       (select count(*) from unnest(%s::int[]) as w(v) where not w.v = any(l.applied))::int as missing
  from tenant t left join lateral (
    select max(m.version) filter (where m.state = 'applied') as version, max(m.finished_at) as finished_at,
           coalesce(array_agg(m.version) filter (where m.state = 'applied'), '{}') as applied,
           min(m.version) filter (where m.state = 'failed') as failed,
           (array_agg(m.error order by m.version) filter (where m.state = 'failed'))[1] as error
      from tenant_migration m where m.tenant_id = t.id) l on true
"""
_PAGE = f"""
select * from ({_STATE} where (%s::uuid is null or t.id > %s)
   and (%s = '' or position(lower(%s) in t.slug) > 0 or position(lower(%s) in lower(t.name)) > 0)) s
 where case %s when 'behind' then missing > 0 and status not in ('provisioning', 'deleting') when 'failed' then failed is not null
               when 'current' then missing = 0 when 'unfinished' then status = 'provisioning' else true end
 order by id limit %s
"""
_COUNTS = """
with lacking as (
    select t.id from tenant t cross join unnest(%s::int[]) as w(version)
      left join tenant_migration m on m.tenant_id = t.id and m.version = w.version and m.state = 'applied'
     where m.tenant_id is null and t.status not in ('provisioning', 'deleting') group by t.id)
select (select count(*) from tenant where status not in ('provisioning', 'deleting')) as tenants,
       (select count(*) from lacking) as behind,
       (select count(distinct tenant_id) from tenant_migration where state = 'failed') as failed,
       (select count(*) from tenant where status = 'provisioning') as unfinished
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one tenant stands; `version` is None before its first script, `failed` is the script that did not apply."""

    id: UUID
    slug: str
    name: str
    status: str
    node: str
    version: int | None
    finished_at: datetime | None
    failed: int | None
    error: str | None
    missing: int


def standings(scope: Scope, size: int, after: UUID | None = None, q: str = "", state: str = "") -> list[Standing]:
    """Up to `size` tenants by id; `state` is '', current, behind, failed or unfinished."""
    values = (versions(), after, after, q, q, q, state, size)
    with control_plane(scope) as connection:
        return [Standing(*row) for row in connection.exec_driver_sql(_PAGE, values).all()]


def standing(scope: Scope, tenant: UUID) -> Standing | None:
    """Where one tenant stands."""
    with control_plane(scope) as connection:
        row = connection.exec_driver_sql(f"{_STATE} where t.id = %s", (versions(), tenant)).one_or_none()
    return Standing(*row) if row else None


def counts(scope: Scope) -> dict[str, Any]:
    """How many tenants there are, are behind, failed, and were not fully created."""
    with control_plane(scope) as connection:
        return dict(connection.exec_driver_sql(_COUNTS, (versions(),)).one()._mapping)


def versions_of(scope: Scope, tenants: list[UUID]) -> dict[UUID, int]:
    """The highest applied version of each of some tenants."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(
            "select tenant_id, max(version) from tenant_migration where state = 'applied' and tenant_id = any(%s)"
            " group by tenant_id",
            (tenants,),
        )
        return {row[0]: row[1] for row in found}
