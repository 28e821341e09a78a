"""What PostgreSQL's catalogue says of a tenant, line by line, and what the migrations say it should (T9).

The reference is made by running the migrations in a transaction that is rolled back, so that it cannot differ from
them; lines of a real tenant that are missing there, or more than there, are what somebody changed by hand.
"""

import re
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import Connection

from .context import schema_of
from .scripts import fingerprint, scripts
from .structure import script

_MONTH = re.compile(r"_20\d{4}(?=\b|_)")
_ACL = "coalesce((select string_agg(a, ' ' order by a) from unnest({0}::text[]) a), '-')"
# By what depends on the schema, which an index finds: pg_class and its like have none that begins with the schema, and
# of a thousand tenants each would be read whole.
_CATALOGUE = f"""
with home as (select oid, nspname, nspowner, nspacl from pg_namespace where nspname = %(schema)s),
inside as materialized (select c.* from home h join pg_depend d on d.refclassid = 'pg_namespace'::regclass
    and d.refobjid = h.oid and d.classid = 'pg_class'::regclass join pg_class c on c.oid = d.objid)
select 'schema owned by ' || nspowner::regrole::text || ', granted ' || {_ACL.format("nspacl")} from home
union all
select 'role, log-in ' || rolcanlogin || ', superuser ' || rolsuper || ', past policies ' || rolbypassrls
    || ', inherits ' || rolinherit || ', makes roles ' || rolcreaterole || ', makes databases ' || rolcreatedb
    || ', replicates ' || rolreplication || ', settings '
    || coalesce((select string_agg(s.setconfig::text, ' ') from pg_db_role_setting s where s.setrole = r.oid), '-')
  from pg_roles r where rolname = %(schema)s
union all
select 'membership of ' || m.member::regrole::text || ' in ' || m.roleid::regrole::text
  from pg_auth_members m join pg_roles r on r.oid in (m.roleid, m.member)
 where r.rolname = %(schema)s and m.member <> 'onyx_owner'::regrole
union all
select 'relation ' || relname || ' of kind ' || relkind::text || ', owned by ' || relowner::regrole::text
    || ', row security ' || relrowsecurity || ', forced ' || relforcerowsecurity || ', options '
    || coalesce(reloptions::text, '-') || ', granted ' || {_ACL.format("relacl")}
  from inside c where relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
union all
select 'column ' || c.relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ', not null ' || attnotnull
    || ', identity ' || coalesce(nullif(attidentity::text, ''), '-') || ', default '
    || coalesce(pg_get_expr(d.adbin, d.adrelid), '-') || ', statistics ' || coalesce(attstattarget, -1)
    || ', granted ' || {_ACL.format("attacl")}
  from inside c join pg_attribute on attrelid = c.oid left join pg_attrdef d on d.adrelid = attrelid and d.adnum = attnum
 where attnum > 0 and not attisdropped and c.relkind in ('r', 'p', 'v')
union all
select 'policy ' || c.relname || '.' || polname || ' for ' || polcmd::text || ', permissive ' || polpermissive || ', to '
    || (select string_agg(case o when 0 then 'public' else o::regrole::text end, ' ') from unnest(polroles) o)
    || ', using ' || coalesce(pg_get_expr(polqual, polrelid), '-')
    || ', check ' || coalesce(pg_get_expr(polwithcheck, polrelid), '-')
  from inside c join pg_policy on polrelid = c.oid
union all
select 'trigger ' || pg_get_triggerdef(t.oid) || ', enabled ' || tgenabled::text
  from inside c join pg_trigger t on tgrelid = c.oid where not tgisinternal
union all
select 'constraint ' || c.relname || '.' || conname || ' ' || pg_get_constraintdef(k.oid) || ', valid ' || convalidated
  from inside c join pg_constraint k on conrelid = c.oid where contype <> 'n'
union all
select 'index ' || pg_get_indexdef(indexrelid) || ', valid ' || indisvalid
  from inside c join pg_index on indrelid = c.oid
union all
select 'function ' || proname || '(' || pg_get_function_identity_arguments(p.oid) || ') owned by '
    || proowner::regrole::text || ', definer ' || prosecdef || ', kind ' || provolatile::text || proparallel::text
    || ', settings ' || coalesce(proconfig::text, '-') || ', granted ' || {_ACL.format("proacl")}
    || ', body ' || prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')
  from home h join pg_depend d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = h.oid
       and d.classid = 'pg_proc'::regclass join pg_proc p on p.oid = d.objid
union all
select 'default privileges of ' || defaclrole::regrole::text || ' ' || defaclobjtype::text || ' ' || defaclacl::text
  from pg_default_acl join home h on h.oid = defaclnamespace
"""


def lines(connection: Connection, tenant: UUID) -> frozenset[str]:
    """The catalogue of a tenant as it is; any role may read it."""
    found = connection.exec_driver_sql(_CATALOGUE, {"schema": schema_of(tenant)})
    return frozenset(_without_ids(row[0], tenant) for row in found)


def reference(connection: Connection, version: int) -> frozenset[str] | None:
    """The catalogue as the migrations up to `version` make it; None when they were run by another Onyx, which did not
    say. Needs a control-plane connection for purpose `job:isolation`.
    """
    found = connection.exec_driver_sql("select lines from catalogue_reference where version = %s", (version,)).scalar()
    return frozenset(found) if found is not None else None


def reference_is_kept(connection: psycopg.Connection) -> bool:
    """Whether the reference of this checkout's migrations is there (as onyx_owner)."""
    return bool(
        connection.execute(
            "select 1 from onyx.catalogue_reference where version = %s and scripts = %s",
            [_version(), fingerprint("tenant")],
        ).fetchone()
    )


def keep_reference(connection: psycopg.Connection) -> None:
    """Make a tenant from the migrations, read its catalogue and take it back (as onyx_owner, autocommit)."""
    if reference_is_kept(connection):
        return
    tenant = uuid4()
    with connection.transaction(force_rollback=True):
        connection.execute(script(connection, tenant).encode())
        connection.execute("set local search_path = ''")
        found = connection.execute(_CATALOGUE.encode(), {"schema": schema_of(tenant)}).fetchall()
    connection.execute(
        "insert into onyx.catalogue_reference (version, scripts, lines) values (%s, %s, %s) on conflict (version)"
        " do update set scripts = excluded.scripts, lines = excluded.lines, made_at = clock_timestamp()",
        [_version(), fingerprint("tenant"), sorted({_without_ids(row[0], tenant) for row in found})],
    )


def _without_ids(line: str, tenant: UUID) -> str:
    """A line that is the same for every tenant and every month's log partition."""
    return _MONTH.sub("_@month@", line.replace(tenant.hex, "@tenant@").replace(str(tenant), "@tenant@"))


def _version() -> int:
    return max(one.version for one in scripts("tenant"))
