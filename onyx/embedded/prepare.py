"""Bring the database to this checkout's version; run as a child, so that the parent stays small.

Its environment comes as JSON by standard input, once the servers run: DATABASE_SUPERUSER_URL (embedded server only),
DATABASE_OWNER_URL, ONYX_SECRET_KEY and ONYX_MASTER_KEY count.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import unquote, urlsplit

import psycopg

from config.settings import nodes_of
from onyx.embedded import environment
from onyx.tenancy import bootstrap, fit, master_check, migrate, nodes


def main() -> int:
    """Roles and database when missing, then migrations; says nothing when there is nothing to do."""
    told = sys.stdin.read()
    if not told:
        return 1  # whoever started us is gone, or has found that there is nothing to prepare
    os.environ.clear()
    os.environ.update(json.loads(told))
    owner = os.environ["DATABASE_OWNER_URL"]
    superuser = os.environ.get("DATABASE_SUPERUSER_URL")
    nodes.install(nodes_of(environment.value("DATABASE_OWNER_NODES")))
    try:
        if superuser and not reachable(owner):
            print("Creating roles and database ...", flush=True)
            bootstrap.bootstrap(superuser, password(owner), password(os.environ["DATABASE_URL"]))
        elif superuser:
            database = psycopg.conninfo.conninfo_to_dict(owner)["dbname"]
            inside = psycopg.conninfo.make_conninfo(superuser, dbname=database)
            bootstrap.renew_login(inside, password(os.environ["DATABASE_URL"]))
        migrate.install_master_key()
        _require_master(owner)
        _require_fit(owner)
        if migrate.pending(owner):
            print("Migrating the database ...", flush=True)
            migrate.migrate_all(owner, say=lambda text: print(f"  {text}", flush=True))
    except migrate.MigrationFailed:
        print("  These organisations stay behind; the others are served. See /platform/migrations.", flush=True)
    except psycopg.OperationalError as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        return 1
    return 0


def _require_master(owner: str) -> None:
    with psycopg.connect(owner, autocommit=True) as connection:
        master_check.require_master_of_owner(connection)


def _require_fit(owner: str) -> None:
    """Code that is too old for the database says so here, before anything is started."""
    with psycopg.connect(owner, autocommit=True) as connection:
        fit.require_ours(connection)


def reachable(owner: str) -> bool:
    """Whether the owner can log in and the bootstrap went through to its last statement."""
    try:
        with psycopg.connect(owner) as connection:
            told = connection.execute(
                "select has_function_privilege('onyx_app', 'pg_catalog.set_config(text,text,boolean)', 'execute')"
                " and not has_database_privilege('public', current_database(), 'temporary')"
            ).fetchone()
            return told == (True,)
    except psycopg.Error:
        return False


def password(url: str) -> str:
    """The password inside a URL."""
    return unquote(urlsplit(url).password or "")


if __name__ == "__main__":
    sys.exit(main())
