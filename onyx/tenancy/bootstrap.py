"""The first hour of a database: its two roles, the database itself, and the belts that need a superuser."""

import psycopg
from psycopg import sql

_FROM_PUBLIC = (
    "pg_catalog.set_config(text, text, boolean)",
    "pg_catalog.pg_notify(text, text)",
    "pg_catalog.pg_logical_emit_message(boolean, text, text)",
    "pg_catalog.pg_logical_emit_message(boolean, text, bytea)",
    "pg_catalog.pg_terminate_backend(integer, bigint)",
    "pg_catalog.pg_cancel_backend(integer)",
    "pg_catalog.pg_stat_get_activity(integer)",
    "pg_catalog.lo_from_bytea(oid, bytea)",
    "pg_catalog.lo_create(oid)",
    "pg_catalog.lo_creat(integer)",
    "pg_catalog.pg_relation_size(regclass, text)",
    "pg_catalog.pg_table_size(regclass)",
    "pg_catalog.pg_indexes_size(regclass)",
    "pg_catalog.pg_total_relation_size(regclass)",
    "pg_catalog.pg_stat_get_numscans(oid)",
    "pg_catalog.pg_stat_get_tuples_returned(oid)",
    "pg_catalog.pg_stat_get_tuples_fetched(oid)",
    "pg_catalog.pg_stat_get_tuples_inserted(oid)",
    "pg_catalog.pg_stat_get_tuples_updated(oid)",
    "pg_catalog.pg_stat_get_tuples_deleted(oid)",
    "pg_catalog.pg_stat_get_live_tuples(oid)",
    "pg_catalog.pg_stat_get_dead_tuples(oid)",
    "pg_catalog.pg_stat_get_xact_numscans(oid)",
    "pg_catalog.pg_stat_get_xact_tuples_returned(oid)",
    "pg_catalog.pg_stat_get_xact_tuples_fetched(oid)",
    "pg_catalog.pg_stat_get_xact_tuples_inserted(oid)",
    "pg_catalog.pg_stat_get_xact_tuples_updated(oid)",
    "pg_catalog.pg_stat_get_xact_tuples_deleted(oid)",
)


def bootstrap(superuser_url: str, owner_password: str, app_password: str, database: str = "onyx") -> None:
    """Make roles and database when missing, and put the superuser's belts on; safe to run again."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        _role(connection, "onyx_owner", "login createrole nosuperuser nobypassrls", owner_password)
        _role(connection, "onyx_app", "login noinherit nosuperuser nobypassrls nocreaterole nocreatedb", app_password)
        known = connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone()
        if not known:
            connection.execute(sql.SQL("create database {} owner onyx_owner").format(sql.Identifier(database)))
    inside = psycopg.conninfo.make_conninfo(superuser_url, dbname=database)
    with psycopg.connect(inside) as connection:
        put_belts_on(connection, database)


def put_belts_on(connection: psycopg.Connection, database: str) -> None:
    """Take from PUBLIC what a tenant's role must not have (findings on the wall: H1, H2, H13, H18)."""
    name = sql.Identifier(database)
    connection.execute(sql.SQL("revoke all on database {} from public").format(name))
    connection.execute(sql.SQL("grant connect on database {} to onyx_app").format(name))
    connection.execute("revoke all on schema public from public")
    connection.execute("create extension if not exists btree_gin schema public")
    connection.execute("grant usage on schema public to onyx_owner")
    connection.execute("revoke usage on language plpgsql from public")
    connection.execute("grant usage on language plpgsql to onyx_owner")
    for function in _FROM_PUBLIC:
        if connection.execute("select to_regprocedure(%s)", [function]).fetchone() == (None,):
            continue
        connection.execute(f"revoke execute on function {function} from public".encode())
        connection.execute(f"grant execute on function {function} to onyx_owner".encode())
    connection.execute("grant execute on function pg_catalog.set_config(text, text, boolean) to onyx_app")


def renew_login(superuser_url: str, app_password: str) -> None:
    """Take back what serving roles can do to themselves by ALTER ROLE: the log-in's password, and settings.

    `superuser_url` names the application's database; runs at each start of the embedded server.
    """
    with psycopg.connect(superuser_url) as connection:
        connection.execute(sql.SQL("alter role onyx_app with password {}").format(sql.Literal(app_password)))
        for role, everywhere in connection.execute(
            "select distinct r.rolname, s.setdatabase = 0 from pg_db_role_setting s join pg_roles r on r.oid = s.setrole"
            " where r.rolname in ('onyx_app', 'onyx_owner') or r.rolname like 'tenant\\_%'"
        ).fetchall():
            where = (
                sql.SQL("") if everywhere else sql.SQL(" in database {}").format(sql.Identifier(connection.info.dbname))
            )
            connection.execute(sql.SQL("alter role {}{} reset all").format(sql.Identifier(role), where))


def _role(connection: psycopg.Connection, name: str, flags: str, password: str) -> None:
    known = connection.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone()
    verb = "alter" if known else "create"
    connection.execute(
        sql.SQL("{} role {} with {} password {}").format(
            sql.SQL(verb), sql.Identifier(name), sql.SQL(flags), sql.Literal(password)
        )
    )
