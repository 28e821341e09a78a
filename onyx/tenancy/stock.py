"""A few tenants prepared ahead, so that creating one is taking one: the rows of it, no structure (T11).

The structure of a tenant is some four hundred statements, whatever one does; the steward runs them when nobody waits. A
prepared schema is whole, empty and nobody's: it has an id and no row in onyx.tenant, so no context is signed for it.
"""

from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.errors import UndefinedTable

from onyx.core.ids import uuid7

from . import fit, ledger
from .context import schema_of
from .scripts import fingerprint
from .structure import lacking, make_partitions, script

_TAKE = """
delete from onyx.prepared_tenant where tenant_id = (
    select tenant_id from onyx.prepared_tenant where scripts = %s order by prepared_at limit 1 for update skip locked)
returning tenant_id
"""
_MONTHS = 2
_ONE_AT_A_TIME = 0x0A11_0003


def take(main: psycopg.Connection, slug: str, name: str) -> UUID | None:
    """Make a prepared tenant the organisation `slug`, in one transaction; None when none is ready.

    `main` is the owner's, in autocommit. Raises UniqueViolation, CheckViolation as provisioning.provision() does; the
    prepared one is then still there.
    """
    try:
        with main.transaction():
            found = main.execute(_TAKE, [fingerprint("tenant")]).fetchone()
            if found is not None:
                _hand_out(main, found[0], slug, name)
    except UndefinedTable:  # the control plane waits for its migrations
        return None
    return found[0] if found else None


def _hand_out(main: psycopg.Connection, tenant: UUID, slug: str, name: str) -> None:
    main.execute("insert into onyx.tenant (id, slug, name, status) values (%s, %s, %s, 'active')", [tenant, slug, name])
    main.execute(ledger.all_applied(tenant).encode())
    if lacking(main, [tenant], _MONTHS):  # it may have waited for months
        make_partitions(main, tenant, _MONTHS)


def fill(owner_url: str, wanted: int) -> int:
    """Prepare one tenant if fewer than `wanted` are ready; returns how many are still missing.

    Those of an older version are removed first. Does nothing, and returns 0, where the control plane is not at this
    version: of a newer one, its steward prepares.
    """
    with psycopg.connect(owner_url, autocommit=True, connect_timeout=5) as main:
        if not _at_this_version(main):
            return 0
        _remove_others(main)
        with main.transaction():
            main.execute("select pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
            missing = wanted - ready(main)
            if missing > 0:
                _prepare(main)
    return max(0, missing - 1)


def ready(main: psycopg.Connection) -> int:
    """How many can be taken (as onyx_owner)."""
    row = main.execute(
        "select count(*) from onyx.prepared_tenant where scripts = %s", [fingerprint("tenant")]
    ).fetchone()
    return int(row[0]) if row else 0


def _at_this_version(main: psycopg.Connection) -> bool:
    applied = {row[0] for row in main.execute("select version from onyx.platform_migration")}
    return applied == set(ledger.versions("platform")) and not fit.unknown(main)["tenant"]


def _prepare(main: psycopg.Connection) -> None:
    tenant = uuid7()
    main.execute(script(main, tenant).encode())
    main.execute(
        "insert into onyx.prepared_tenant (tenant_id, versions, scripts) values (%s, %s, %s)",
        [tenant, ledger.versions(), fingerprint("tenant")],
    )


def _remove_others(main: psycopg.Connection) -> None:
    """Drop what other scripts than ours prepared; each in a transaction of its own."""
    others = "select tenant_id from onyx.prepared_tenant where scripts <> %s limit 1 for update skip locked"
    while True:
        with main.transaction():
            found = main.execute(others, [fingerprint("tenant")]).fetchone()
            if found is None:
                return
            name = sql.Identifier(schema_of(found[0]))
            main.execute("set local client_min_messages = warning")
            main.execute(sql.SQL("drop schema {} cascade").format(name))
            main.execute(sql.SQL("drop role {}").format(name))
            main.execute("delete from onyx.prepared_tenant where tenant_id = %s", [found[0]])
