"""Before anybody is served: do the walls still stand? After a restore, a migration by hand, a curious DBA (T3).

Runs as onyx_app, reads the catalogue alone, in a handful of queries whatever the number of tenants. What needs no
superuser to mend refuses to serve; a belt that only a superuser can put on is told in the log.
"""

import re
from functools import cache
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from onyx.core.db import db
from onyx.core.scope import Scope

from . import policies
from .context import sign
from .fit import require_fit
from .master_check import require_master
from .scripts import scripts
from .walls import backend

_log = structlog.get_logger()
_SCHEMAS = "(nspname = 'onyx' or nspname ~ '^tenant_[0-9a-f]{32}$')"


class WallsFell(Exception):
    """Onyx must not serve; the message names everything that fell and how to mend it."""

    def __init__(self, fell: list[str]) -> None:
        listed = "\n".join(f"  - {one}" for one in fell)
        super().__init__(f"Onyx does not serve, since its walls do not stand (docs/security.md):\n{listed}")


def require_walls() -> None:
    """Raise WallsFell unless everything stands, WrongMasterKey and WrongVersion first; needs an app context."""
    require_master()
    require_fit()
    fell, loose = look()
    for belt in loose:
        _log.warning("a belt is off", belt=belt)
    if fell:
        raise WallsFell(fell)


def look() -> tuple[list[str], list[str]]:
    """What fell, and which belts of the superuser are off."""
    fell: list[str] = []
    with db.engine.begin() as connection:
        for question, told in _QUESTIONS:
            found = [str(row[0]) for row in connection.exec_driver_sql(question)]
            if found:
                fell.append(f"{told}: {', '.join(found[:5])}{' …' if len(found) > 5 else ''}")
        fell += _judge(connection) + policies.fallen(connection)
        loose = [str(row[0]) for row in connection.exec_driver_sql(_BELTS)]
    return fell, loose


_QUESTIONS = (
    (
        "select rolname from pg_roles where (rolname in ('onyx_app', 'onyx_owner') or rolname ~ '^tenant_[0-9a-f]{32}$')"
        " and (rolsuper or rolbypassrls or rolreplication or (rolname <> 'onyx_owner' and (rolcreaterole or rolcreatedb))"
        " or (rolname like 'tenant%%' and rolcanlogin) or (rolname = 'onyx_app' and rolinherit))",
        "these roles may do too much (see the flags in onyx/tenancy/bootstrap.py)",
    ),
    (
        "select rolname from pg_db_role_setting s join pg_roles r on r.oid = s.setrole"
        " where rolname = 'onyx_app' or rolname ~ '^tenant_[0-9a-f]{32}$'",
        "settings were stored for these roles (ALTER ROLE … RESET ALL, also IN DATABASE)",
    ),
    (
        "select m.roleid::regrole::text || ' has ' || m.member::regrole::text from pg_auth_members m"
        " join pg_roles r on r.oid = m.member where r.rolname ~ '^tenant_[0-9a-f]{32}$'"
        " or (r.rolname = 'onyx_app' and m.roleid::regrole::text !~ '^tenant_[0-9a-f]{32}$')",
        "these memberships let a role become what it must not (REVOKE them)",
    ),
    (
        "select nspname || '.' || relname from pg_class c join pg_namespace n on n.oid = relnamespace"
        f" where {_SCHEMAS} and relkind in ('r', 'p') and not relrowsecurity",
        "row level security is off on (ALTER TABLE … ENABLE ROW LEVEL SECURITY)",
    ),
    (
        "select nspname || '.' || relname from pg_class c join pg_namespace n on n.oid = relnamespace"
        f" where {_SCHEMAS} and relowner <> 'onyx_owner'::regrole"
        f" union all select nspname from pg_namespace where {_SCHEMAS} and nspowner <> 'onyx_owner'::regrole"
        " union all select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = pronamespace"
        f" where {_SCHEMAS} and proowner <> 'onyx_owner'::regrole",
        "these do not belong to onyx_owner (ALTER … OWNER TO onyx_owner)",
    ),
    (
        "select nspname || '.' || relname || ' ' || tgname from pg_trigger t join pg_class c on c.oid = tgrelid"
        f" join pg_namespace n on n.oid = relnamespace where {_SCHEMAS} and tgenabled <> 'O'",
        "these triggers are disabled (ALTER TABLE … ENABLE TRIGGER)",
    ),
    (
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'onyx'"
        " and relname in ('context_key', 'directory') and has_any_column_privilege('onyx_app', c.oid, 'select')"
        " union all select attrelid::regclass::text || '.' || attname from pg_attribute"
        " where attrelid in (select oid from pg_class where relnamespace = 'onyx'::regnamespace)"
        " and attname = 'wrapped' and has_column_privilege('onyx_app', attrelid, attnum, 'select')",
        "onyx_app may read (REVOKE SELECT)",
    ),
    (
        "select current_database() where has_database_privilege('public', current_database(), 'temporary')"
        " or has_database_privilege('onyx_app', current_database(), 'temporary, create')",
        "onyx_app may make temporary objects (REVOKE TEMPORARY ON DATABASE … FROM PUBLIC)",
    ),
    (
        f"select nspname from pg_namespace where ({_SCHEMAS} or nspname = 'public')"
        " and has_schema_privilege('onyx_app', oid, 'create')",
        "onyx_app may create in these schemas (REVOKE CREATE ON SCHEMA)",
    ),
)
_BELTS = (
    "select 'set_config is open to PUBLIC'"
    " where has_function_privilege('public', 'pg_catalog.set_config(text,text,boolean)', 'execute')"
    " union all select 'plpgsql is open to PUBLIC' where has_language_privilege('public', 'plpgsql', 'usage')"
    " union all select 'pg_stat_get_activity is open to PUBLIC'"
    " where has_function_privilege('public', 'pg_catalog.pg_stat_get_activity(integer)', 'execute')"
)


def _judge(connection: Connection) -> list[str]:
    """Whether the functions that believe contexts are those of this checkout, and judge as they should."""
    found = {
        row.proname: row
        for row in connection.exec_driver_sql(
            "select proname, prosrc, prosecdef, array_to_string(proconfig, ';') as config from pg_proc"
            " where pronamespace = 'onyx'::regnamespace"
        )
    }
    fell = []
    for name, body in _bodies().items():
        there = found.get(name)
        if there is None or there.prosrc != body or not (there.config or "").endswith("pg_temp"):
            fell.append(
                f"the function onyx.{name} is not the one of this checkout (run the migrations of this version)"
            )
    if not fell and not _judges_rightly(connection):
        fell.append("contexts are not judged: the database's key is not that of ONYX_SECRET_KEY (run the migrations)")
    return fell


def _judges_rightly(connection: Connection) -> bool:
    tenant = uuid4()
    genuine = sign(Scope(tenant, "member"), backend(connection))
    forged = genuine[:-1] + ("0" if genuine[-1] != "0" else "1")
    told = [
        connection.exec_driver_sql(
            "select onyx.ctx_tenant() from (select set_config('onyx.context', %s, true)) s", (text,)
        ).scalar_one()
        for text in (forged, genuine)
    ]
    return told == [None, tenant]


@cache
def _bodies() -> dict[str, str]:
    """The plpgsql functions of schema onyx as the migrations leave them: name → body."""
    pattern = re.compile(r"create (?:or replace )?function onyx\.(ctx\w*)\([^)]*\).*?as \$\$(.*?)\$\$", re.S)
    return {name: body for script in scripts("platform") for name, body in pattern.findall(script.sql)}
