"""Bring the control plane and every tenant to the version of this checkout; may be stopped and run again.

Each script of each tenant is one transaction, with its line in the ledger, so that a half-applied one cannot be.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg

from onyx.core import master, secrets
from onyx.core.clock import now
from onyx.core.ids import uuid7

from . import signing
from .context import padded_keys, schema_of
from .scripts import Script, partitions, scripts

Say = Callable[[str], None]
_LOCK = 0x0A11_0001
PLATFORM = "platform"


class MigrationFailed(Exception):
    """A script did not apply; the message names tenant, script and PostgreSQL's reason."""


def pending(owner_url: str) -> bool:
    """Whether migrate_all() would have something to do: one or two cheap queries."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        if connection.execute("select to_regclass('onyx.platform_migration')").fetchone() == (None,):
            return True
        done = connection.execute("select count(*) from onyx.platform_migration").fetchone()
        if done != (len(scripts("platform")),):
            return True
        if connection.execute("select 1 from onyx.signing_key limit 1").fetchone() is None:
            return True
        return bool(_behind(connection)) or _tenant_id(connection, PLATFORM) is None


def migrate_all(owner_url: str, say: Say = print, workers: int = 2) -> None:
    """Migrate the control plane, make the platform's own tenant, migrate all tenants. Raises MigrationFailed."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        _migrate_platform(connection, say)
        _install_context_key(connection)
        _install_master_key()
        signing.install_keys(connection)
        if _tenant_id(connection, PLATFORM) is None:
            provision(owner_url, PLATFORM, "Platform")
        behind = _behind(connection)
        with ThreadPoolExecutor(workers) as pool:
            for number, slug in enumerate(pool.map(lambda t: _migrate_tenant(owner_url, *t), behind), 1):
                say(f"migrated tenant {slug} ({number} of {len(behind)})")


def provision(owner_url: str, slug: str, name: str, tenant: UUID | None = None) -> UUID:
    """Create a tenant: its row, then schema, role, tables and first log partitions in one transaction.

    Run again with the same slug it finishes what a killed run left. Raises psycopg.errors.UniqueViolation when
    the slug belongs to a finished tenant, CheckViolation when it is malformed.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        left = connection.execute(
            "select id from onyx.tenant where slug = %s and status = 'provisioning'", [slug]
        ).fetchone()
        tenant_id: UUID = left[0] if left else tenant or uuid7()
        if not left:
            connection.execute("insert into onyx.tenant (id, slug, name) values (%s, %s, %s)", [tenant_id, slug, name])
        with connection.transaction():
            _build(connection, tenant_id)
            connection.execute("update onyx.tenant set status = 'active' where id = %s", [tenant_id])
    return tenant_id


def make_partitions(connection: psycopg.Connection, tenant: UUID, months: int = 3) -> None:
    """Make the log partitions of this month and the following ones where they are missing."""
    connection.execute(partitions(tenant.hex, now().date(), months).encode())


def _build(connection: psycopg.Connection, tenant: UUID) -> None:
    wanted = scripts("tenant")
    whole = "\n".join(script.render(tenant.hex) for script in wanted) + partitions(tenant.hex, now().date(), 2)
    connection.execute(whole.encode())
    connection.execute(
        "insert into onyx.tenant_migration (tenant_id, version, name, state)"
        " select %s, v, n, 'applied' from unnest(%s::int[], %s::text[]) as w(v, n)",
        [tenant, [s.version for s in wanted], [s.name for s in wanted]],
    )


def _migrate_platform(connection: psycopg.Connection, say: Say) -> None:
    done: set[int] = set()
    if connection.execute("select to_regclass('onyx.platform_migration')").fetchone() != (None,):
        done = {row[0] for row in connection.execute("select version from onyx.platform_migration")}
    for script in scripts("platform"):
        if script.version not in done:
            with connection.transaction():
                connection.execute(script.sql.encode())
                connection.execute(
                    "insert into onyx.platform_migration (version, name) values (%s, %s)",
                    [script.version, script.name],
                )
            say(f"control plane: {script.name}")


def _install_context_key(connection: psycopg.Connection) -> None:
    if "ONYX_SECRET_KEY" in os.environ:  # else the application that runs this has installed it
        secrets.install(os.environ["ONYX_SECRET_KEY"])
    connection.execute(
        "insert into onyx.context_key values (1, %s, %s)"
        " on conflict (id) do update set ipad = excluded.ipad, opad = excluded.opad",
        padded_keys(secrets.derive("context")),
    )


def _install_master_key() -> None:
    if "ONYX_MASTER_KEY" in os.environ:  # as above
        master.install(os.environ["ONYX_MASTER_KEY"], os.environ.get("ONYX_MASTER_KEY_PREVIOUS"))


def _tenant_id(connection: psycopg.Connection, slug: str) -> UUID | None:
    row = connection.execute(
        "select id from onyx.tenant where slug = %s and status <> 'provisioning'", [slug]
    ).fetchone()
    return row[0] if row else None


def _behind(connection: psycopg.Connection) -> list[tuple[UUID, str]]:
    return connection.execute(
        "select t.id, t.slug from onyx.tenant t where t.status <> 'provisioning' and %s > (select count(*)"
        " from onyx.tenant_migration m where m.tenant_id = t.id and m.state = 'applied') order by t.id",
        [len(scripts("tenant"))],
    ).fetchall()


def _migrate_tenant(owner_url: str, tenant: UUID, slug: str) -> str:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        done = {
            row[0]
            for row in connection.execute(
                "select version from onyx.tenant_migration where tenant_id = %s and state = 'applied'", [tenant]
            )
        }
        for script in scripts("tenant"):
            if script.version not in done:
                _apply(connection, tenant, slug, script)
    return slug


def _apply(connection: psycopg.Connection, tenant: UUID, slug: str, script: Script) -> None:
    ledger = (
        "insert into onyx.tenant_migration (tenant_id, version, name, state, error) values (%s, %s, %s, %s, %s)"
        " on conflict (tenant_id, version) do update set state = excluded.state, error = excluded.error,"
        " finished_at = clock_timestamp()"
    )
    try:
        with connection.transaction():
            connection.execute(f"set local search_path = {schema_of(tenant)}, public".encode())
            connection.execute(script.render(tenant.hex).encode())
            connection.execute(ledger, [tenant, script.version, script.name, "applied", None])
    except psycopg.Error as error:
        connection.execute(ledger, [tenant, script.version, script.name, "failed", str(error)])
        raise MigrationFailed(f"tenant {slug}, {script.version:04} {script.name}: {error}") from error
