"""Bring the control plane and every tenant to the version of this checkout; may be stopped and run again."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from onyx.core import master, secrets

from . import catalogue, fit, fleet, ledger, nodes, signing
from .context import padded_keys
from .provisioning import provision as provision
from .scripts import Script, scripts

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
_LOCK = 0x0A11_0001
PLATFORM = "platform"


class MigrationFailed(Exception):
    """Scripts that did not apply; `failed` is slug → reason. Every other tenant is at this version."""

    def __init__(self, failed: dict[str, str]) -> None:
        self.failed = failed
        shown = [f"tenant {slug}, {why.strip()}" for slug, why in list(failed.items())[:5]]
        more = f" (and {len(failed) - 5} more)" if len(failed) > 5 else ""
        super().__init__("; ".join(shown) + more)


def pending(owner_url: str) -> bool:
    """Whether migrate_all() would have something to do: a few cheap queries."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        if not set(ledger.versions("platform")) <= _platform_done(connection):
            return True
        if connection.execute("select 1 from onyx.signing_key limit 1").fetchone() is None:
            return True
        if not catalogue.reference_is_kept(connection):
            return True
        if ledger.behind(connection) or _tenant_id(connection, PLATFORM) is None:
            return True
    return any(_node_pending(nodes.owner_of(node, owner_url)) for node in nodes.names()[1:])


def plan(owner_url: str) -> dict[str, Any]:
    """What migrate_all() would do, and what it would not know: names of scripts, and how many organisations each is for.

    `safe`: code of before goes on working while they run, and can be started again after them.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        done = _platform_done(connection)
        platform = [script for script in scripts("platform") if script.version not in done]
        behind = ledger.behind(connection) if done else []
        missing = Counter(version for one in behind for version in one.missing)
        tenant = [script for script in scripts("tenant") if script.version in missing]
        return {
            "platform": [_planned(script) for script in platform],
            "tenant": [{**_planned(script), "organisations": missing[script.version]} for script in tenant],
            "organisations": len(behind),
            "failed": ledger.failed(connection) if done else {},
            "safe": all(script.needs_newer_code is None for script in [*platform, *tenant]),
            "unknown": fit.unknown(connection) if done else {"platform": [], "tenant": []},
        }


def _planned(script: Script) -> dict[str, Any]:
    return {"version": script.version, "name": script.name, "needs_newer_code": script.needs_newer_code}


def migrate_all(
    owner_url: str,
    say: Say = print,
    workers: int = fleet.WORKERS,
    progress: Progress | None = None,
    only: UUID | None = None,
) -> int:
    """Migrate the control plane, make the platform's own tenant, migrate all tenants (or `only` one).

    Returns how many tenants were migrated. Raises MigrationFailed at the end when some could not be, WrongVersion for a
    database that is ahead of what this code understands.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        fit.require_ours(connection)
        _prepare(connection, say)
        fit.note(connection, *scripts("tenant"))
        install_master_key()
        signing.install_keys(connection)
        catalogue.keep_reference(connection)
        for node in nodes.names()[1:]:
            with psycopg.connect(nodes.owner_of(node, owner_url), autocommit=True) as there:
                _prepare(there, say)
        if _tenant_id(connection, PLATFORM) is None:
            provision(owner_url, PLATFORM, "Platform")
        return _migrate_tenants(owner_url, connection, say, workers, progress, only)


@contextmanager
def migrations_wait(connection: psycopg.Connection) -> Iterator[None]:
    """No migration begins meanwhile; one that is running is waited for (a minute, then LockNotAvailable).

    `connection` is the owner's, in autocommit.
    """
    connection.execute("set lock_timeout = '60s'")
    connection.execute("select pg_advisory_lock_shared(%s)", [_LOCK])
    connection.execute("reset lock_timeout")
    try:
        yield
    finally:
        if not connection.closed and not connection.broken:
            connection.execute("select pg_advisory_unlock_shared(%s)", [_LOCK])


def _migrate_tenants(
    owner_url: str, connection: psycopg.Connection, say: Say, workers: int, progress: Progress | None, only: UUID | None
) -> int:
    todo = ledger.behind(connection, only)
    done = 0

    def told(one: ledger.Behind, error: str | None) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, len(todo))
        if error:
            say(f"tenant {one.slug} failed: {error.strip()}")
        elif not progress:
            say(f"migrated tenant {one.slug} ({done} of {len(todo)})")

    failed = fleet.migrate_tenants(owner_url, todo, workers, told) if todo else {}
    if failed:
        raise MigrationFailed(failed)
    return len(todo)


def _prepare(connection: psycopg.Connection, say: Say) -> None:
    """The control plane's structure and the key with which contexts are checked: on `main`, and on every other node."""
    done = _platform_done(connection)
    for script in scripts("platform"):
        if script.version not in done:
            with connection.transaction():
                connection.execute(script.sql.encode())
                connection.execute(
                    "insert into onyx.platform_migration (version, name) values (%s, %s)",
                    [script.version, script.name],
                )
                fit.note(connection, script)
            say(f"control plane: {script.name}")
    _install_context_key(connection)


def _platform_done(connection: psycopg.Connection) -> set[int]:
    if connection.execute("select to_regclass('onyx.platform_migration')").fetchone() == (None,):
        return set()
    return {row[0] for row in connection.execute("select version from onyx.platform_migration")}


def _node_pending(owner_url: str) -> bool:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        return not set(ledger.versions("platform")) <= _platform_done(connection)


def _install_context_key(connection: psycopg.Connection) -> None:
    if "ONYX_SECRET_KEY" in os.environ:  # else the application that runs this has installed it
        secrets.install(os.environ["ONYX_SECRET_KEY"])
    connection.execute(
        "insert into onyx.context_key values (1, %s, %s)"
        " on conflict (id) do update set ipad = excluded.ipad, opad = excluded.opad",
        padded_keys(secrets.derive("context")),
    )


def install_master_key() -> None:
    """Have the master key that the environment gives, where it does."""
    if "ONYX_MASTER_KEY" in os.environ:  # as above
        master.install(os.environ["ONYX_MASTER_KEY"], os.environ.get("ONYX_MASTER_KEY_PREVIOUS"))


def _tenant_id(connection: psycopg.Connection, slug: str) -> UUID | None:
    row = connection.execute(
        "select id from onyx.tenant where slug = %s and status <> 'provisioning'", [slug]
    ).fetchone()
    return row[0] if row else None
