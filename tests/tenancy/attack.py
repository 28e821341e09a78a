"""The attacker's two ways in, and what must be as before when they have finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import psycopg
from flask import Flask
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from onyx.core import db as database
from onyx.core.db import unit_of_work
from onyx.core.errors import OnyxError
from onyx.core.pinned import PINNED
from onyx.core.scope import Scope, tenant_scope
from onyx.tenancy import context, walls
from tests.cast import World
from tests.factories import Belongings, titles

PREFIXES = ((), ("reset role",), ("reset role", "set role {globex}"))


@dataclass
class Stage:
    """Everybody has something to lose; `app` has one connection, which all take in turns."""

    app: Flask
    world: World
    owns: dict[str, Belongings]
    addresses: dict[str, str]
    values: dict[str, str]
    canaries: list[str]
    queries: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, list[str]] = field(default_factory=dict)
    watcher: psycopg.Connection[Any] | None = None

    def fill(self, statement: str) -> str:
        """A statement with its placeholders filled in; each time a new uuid."""
        return statement.format(**self.values, uuid=uuid4())


def one_connection(url: str, size: int = 1) -> Flask:
    """The application's own engine and walls, with a pool of one connection (or `size`)."""
    app = Flask("attack")
    app.config["SQLALCHEMY_DATABASE_URI"] = url.replace("postgresql://", "postgresql+psycopg://", 1)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = database.engine_options(size) | {"max_overflow": 0}
    database.db.init_app(app)
    with app.app_context():
        database.install(database.db.engine, walls.tell)
    return app


def inject(
    stage: Stage, statements: list[str], purpose: str = "member", name: str | None = "alice", keep: bool = True
) -> list[str]:
    """Run statements as text on one of the cast's own request connection, or on a job's in Acme; all that came back,
    errors included.
    """
    heard: list[str] = []
    tenant = stage.world.acme if name in (None, "petra") else stage.world[name].tenant
    with stage.app.app_context(), tenant_scope(tenant.id, purpose, stage.world[name].id if name else None):
        try:
            with unit_of_work() as session:
                for statement in statements:
                    heard.extend(_savepointed(session, stage.fill(statement)))
                if not keep:
                    session.rollback()
        except (SQLAlchemyError, OnyxError, psycopg.Error) as error:
            heard.append(str(error))
    return heard


def _savepointed(session: Session, statement: str) -> Iterator[str]:
    connection = session.connection()
    text = statement.replace("%", "%%")
    try:
        connection.exec_driver_sql("savepoint attack")
    except SQLAlchemyError as error:  # the attack left the transaction: go on without
        yield str(error)
    try:
        result = connection.exec_driver_sql(text)
        yield repr(result.all()) if result.returns_rows else ""
    except (SQLAlchemyError, psycopg.Error) as error:
        yield str(error)
        try:
            connection.exec_driver_sql("rollback to attack")
        except (SQLAlchemyError, psycopg.Error):
            yield ""


def log_in_raw(stage: Stage, statements: list[str]) -> list[str]:
    """Run statements with onyx_app's password and no key: simple protocol, several statements in one string."""
    heard: list[str] = []
    with closing(psycopg.connect(stage.addresses["DATABASE_URL"], autocommit=True, options=PINNED)) as connection:
        for statement in statements:
            try:
                cursor = connection.execute(stage.fill(statement).encode())
                while True:
                    heard.append(repr(cursor.fetchall()) if cursor.description else "")
                    if not cursor.nextset():
                        break
            except psycopg.Error as error:
                heard.append(str(error))
            if connection.closed or connection.info.transaction_status == TransactionStatus.ACTIVE:
                break  # a COPY was begun that nobody will feed
    return heard


# -- what must be as before


def fingerprint(stage: Stage) -> dict[str, str]:
    """One hash for each table without Alice's own rows, and one for the catalogue."""
    if stage.watcher is None:
        url = make_conninfo(stage.addresses["DATABASE_SUPERUSER_URL"], dbname="onyx")
        stage.watcher = psycopg.connect(url, autocommit=True)
    queries = _queries(stage.watcher, stage)
    with stage.watcher.pipeline():  # a hundred tables, asked at once
        asked = {name: stage.watcher.execute(_hash(query)) for name, query in queries.items()}
        return {name: str((answer.fetchone() or ("",))[0]) for name, answer in asked.items()}


def _hash(query: str) -> bytes:
    return (
        f"select count(*) || ' rows, ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from ({query}) t"
    ).encode()


def _queries(connection: psycopg.Connection[Any], stage: Stage) -> dict[str, str]:
    if stage.queries:
        return stage.queries
    alice = stage.world.alice.id
    schemas = {"onyx", stage.world.acme.schema, stage.world.globex.schema}
    found = {}
    tables = connection.execute(
        "select n.nspname, c.relname, array(select attname::text from pg_attribute a where a.attrelid = c.oid)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = any (%s) and c.relkind = 'r'",
        [list(schemas)],
    ).fetchall()
    for schema, table, columns in tables:
        where = "true"
        if schema == stage.world.acme.schema and table in _OWN:
            where = f"user_id <> '{alice}'"
        elif schema == stage.world.acme.schema and table.startswith("audit_event"):
            where = f"actor_id is distinct from '{alice}'"
        elif table in ("revocation", "due"):
            where = f"tenant_id <> '{stage.world.acme.id}'"
        assert columns
        found[f"{schema}.{table}"] = f"select * from {schema}.{table} where {where}"
    found |= {name: query.format(schemas=_in(schemas)) for name, query in _CATALOGUE.items()}
    stage.queries = found
    return found


def _in(schemas: set[str]) -> str:
    return ", ".join(f"'{name}'::regnamespace" for name in sorted(schemas))


_OWN = {"profile", "login_session", "project", "chat_session", "chat_message", "user_file", "file_passage", "tool_call"}
_CATALOGUE = {
    "policies": "select p.*, c.relname from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace in ({schemas})",
    "relations": "select relname, relowner, relkind, relrowsecurity, relforcerowsecurity, relacl::text, reltriggers"
    " from (select c.*, (select string_agg(tgname::text || tgenabled::text, ',' order by tgname) from pg_trigger t where t.tgrelid = c.oid)"
    " as reltriggers from pg_class c) c where relnamespace in ({schemas}, 'public'::regnamespace)",
    "functions": "select proname, proowner, prosecdef, proacl::text, proconfig, md5(prosrc) from pg_proc"
    " where pronamespace in ({schemas}, 'public'::regnamespace)",
    "columns": "select attrelid, attname, attacl::text from pg_attribute a join pg_class c on c.oid = a.attrelid"
    " where c.relnamespace in ({schemas})",
    "schemas": "select nspname, nspowner, nspacl::text from pg_namespace where nspname !~ '^pg_(toast_)?temp'",
    "roles": "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolinherit, rolpassword"
    " from pg_authid where rolname in ('onyx_app', 'onyx_owner', 'postgres')",
    "members": "select roleid, member, admin_option from pg_auth_members",
    "settings of roles": "select * from pg_db_role_setting",
    "databases": "select datname, datacl::text, datdba from pg_database",
    "default rights": "select * from pg_default_acl",
    "large objects": "select * from pg_largeobject_metadata",
    "extensions": "select extname from pg_extension",
    "languages": "select lanname, lanacl::text from pg_language",
    "core functions": "select proname, proacl::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proacl is not null",
    "temporary objects": "select relname from pg_class where relpersistence = 't'",
    "left over types": "select typname from pg_type where typnamespace in ({schemas}, 'public'::regnamespace)",
}


def leaked(stage: Stage, heard: list[str]) -> list[str]:
    """The canaries that were heard."""
    everything = "\n".join(heard)
    return [canary for canary in stage.canaries if canary in everything]


def the_next_ones(stage: Stage) -> dict[str, list[str]]:
    """What the next requests on the same connection see: their own chats, and settings as on a fresh connection."""
    seen: dict[str, list[str]] = {}
    with stage.app.app_context():
        for name in ("bob", "mallory"):
            person = stage.world[name]
            with tenant_scope(person.tenant.id, "member", person.id), unit_of_work() as session:
                seen[name] = titles(session)
                left = session.connection().exec_driver_sql(_LEFT).all()
                seen[f"{name}'s settings"] = [f"{row.name}={row.setting}" for row in left]
    return seen


_LEFT = (
    "select name, setting from pg_settings where source = 'session' and name not in ('role', 'search_path')"
    " union all select 'prepared', name from pg_prepared_statements union all select 'cursor', name from pg_cursors"
    " union all select 'listening', c from pg_listening_channels() c"
)

# -- contexts that must not hold


def contexts(world: World, owns: dict[str, Belongings]) -> dict[str, str]:
    """Forged, edited, stolen and expired contexts, by the name that the corpus uses."""
    mine = Scope(world.acme.id, "member", world.alice.id)
    bobs = Scope(world.acme.id, "member", world.bob.id)
    mallorys = Scope(world.globex.id, "member", world.mallory.id)
    good = context.sign(mine, 1)
    body, mac = good.rsplit(".", 1)
    expired = context.sign(bobs, None, seconds=-1.0)
    part = body.split("|")
    edit = lambda place, value: "|".join([*part[:place], value, *part[place + 1 :]]) + "." + mac  # noqa: E731
    unpadded = context.sign(bobs, None).rsplit(".", 1)[0]
    with patch.object(context, "derive", lambda _: b"\0" * 32):
        other_key = context.sign(bobs, None)
    return {
        "ctx_empty": "", "ctx_unsigned": unpadded, "ctx_unsigned_padded": f"{unpadded}.{'0' * 64}", "ctx_expired": expired,
        "ctx_edited_user": edit(2, world.bob.id.hex), "ctx_edited_tenant": edit(1, world.globex.id.hex),
        "ctx_edited_purpose": edit(3, "auth"), "ctx_edited_expiry": edit(4, "99999999999"), "ctx_edited_pid": edit(5, "-"),
        "ctx_stolen_bob": context.sign(bobs, 1), "ctx_stolen_mallory": context.sign(mallorys, 1), "ctx_other_key": other_key,
        "ctx_cut_short": context.sign(bobs, None)[:-1], "ctx_doubled": f"{context.sign(bobs, None)}{good}",
        "ctx_upper_case": context.sign(bobs, None).upper(), "ctx_no_pid": edit(5, ""),
    }  # fmt: skip


def placeholders(world: World, owns: dict[str, Belongings], partitions: tuple[str, str]) -> dict[str, str]:
    """What the corpus' placeholders stand for."""
    found = {
        "acme": world.acme.schema, "globex": world.globex.schema, "platform": world.platform.schema,
        "acme_id": str(world.acme.id), "globex_id": str(world.globex.id), "globex_hex": world.globex.id.hex,
        "event_partition": partitions[0], "entry_partition": partitions[1],
    }  # fmt: skip
    for name in ("alice", "bob", "mallory"):
        found[name] = str(world[name].id)
        for kind in ("chat", "message", "project", "file"):
            found[f"{name}_{kind}"] = str(getattr(owns[name], kind))
    return found | contexts(world, owns)


def canaries(world: World, owns: dict[str, Belongings], secrets: list[str]) -> list[str]:
    """Words that Alice must never hear: the others' canaries, names, addresses, hashes, and the keys."""
    others = [person for person in world.everybody() if person.key != "alice"]
    words = [belonging.canary for name, belonging in owns.items() if name != "alice"]
    return [*words, *(p.email for p in others), *(p.name for p in others), "$argon2id$", *secrets]
