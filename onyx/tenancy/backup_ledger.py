"""Which backups there are: rows of onyx.backup, written as the owner, read for purpose `platform` alone."""

import json
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from onyx.core.scope import Scope

from .walls import control_plane

_ROW = (
    "select id, tenant_id, slug, name, kind, state, size, sha256, error, created_at, finished_at,"
    " drill_at, drill_ok, drill_says from onyx.backup"
)


class Backup(NamedTuple):
    """One backup of one tenant; `name` is its file's, `size` in bytes, `state` running, done or failed."""

    id: UUID
    tenant_id: UUID
    slug: str
    name: str
    kind: str
    state: str
    size: int | None
    sha256: bytes | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    drill_at: datetime | None
    drill_ok: bool | None
    drill_says: str | None


def lock_of(tenant: UUID) -> list[int]:
    """The advisory lock under which one backup, restore, move or deletion of a tenant runs at a time."""
    return [0x0A11_0010, int.from_bytes(tenant.bytes[-4:], "big", signed=True)]


def last_backup(scope: Scope, tenant: UUID) -> Backup | None:
    """The newest finished backup of a tenant."""
    found = last_backups(scope, [tenant])
    return found.get(tenant)


def last_backups(scope: Scope, tenants: list[UUID]) -> dict[UUID, Backup]:
    """The newest finished backup of each of some tenants."""
    newest = _ROW.replace("select id", "select distinct on (tenant_id) id")
    statement = f"{newest} where tenant_id = any (%s) and state = 'done' order by tenant_id, created_at desc"
    with control_plane(scope) as connection:
        return {row.tenant_id: Backup(*row) for row in connection.exec_driver_sql(statement, (tenants,))}


def backups(
    scope: Scope, size: int, after: UUID | None = None, tenant: UUID | None = None, q: str = ""
) -> list[Backup]:
    """Up to `size` backups, the newest first, older than `after`; of one tenant, or of all whose slug has a part `q`."""
    statement = (
        f"{_ROW} where (%s::uuid is null or id < %s) and (%s::uuid is null or tenant_id = %s)"
        " and (%s = '' or position(lower(%s) in slug) > 0) order by id desc limit %s"
    )
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(statement, (after, after, tenant, tenant, q, q, size)).all()
    return [Backup(*row) for row in found]


def backup(scope: Scope, id: UUID) -> Backup | None:
    """One backup by its id."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(f"{_ROW} where id = %s", (id,)).all()
    return Backup(*found[0]) if found else None


def as_owner(connection: psycopg.Connection[Any], id: UUID) -> Backup | None:
    """backup() for the steward."""
    found = connection.execute(f"{_ROW} where id = %s".encode(), [id]).fetchone()
    return Backup(*found) if found else None


def begin(connection: psycopg.Connection[Any], id: UUID, tenant: UUID, slug: str, name: str, kind: str) -> None:
    """Write down that a backup is being made; the caller holds the tenant's archive lock.

    What still says running for this tenant was cut off: it is told so.
    """
    connection.execute(
        "update onyx.backup set state = 'failed', error = 'It was cut off before it was done.',"
        " finished_at = clock_timestamp() where tenant_id = %s and state = 'running'",
        [tenant],
    )
    connection.execute(
        "insert into onyx.backup (id, tenant_id, slug, name, kind) values (%s, %s, %s, %s, %s)",
        [id, tenant, slug, name, kind],
    )


def finish(connection: psycopg.Connection[Any], id: UUID, size: int, sha256: bytes, manifest: dict[str, Any]) -> None:
    """The file lies in its place."""
    connection.execute(
        "update onyx.backup set state = 'done', size = %s, sha256 = %s, manifest = %s, finished_at = clock_timestamp()"
        " where id = %s",
        [size, sha256, json.dumps(manifest), id],
    )


def fail(connection: psycopg.Connection[Any], id: UUID, error: str) -> None:
    connection.execute(
        "update onyx.backup set state = 'failed', error = %s, finished_at = clock_timestamp() where id = %s",
        [error[:500], id],
    )


def drilled(connection: psycopg.Connection[Any], id: UUID, ok: bool, says: str) -> None:
    """How the last restore drill of a backup went."""
    connection.execute(
        "update onyx.backup set drill_at = clock_timestamp(), drill_ok = %s, drill_says = %s where id = %s",
        [ok, says[:500], id],
    )


def forget(connection: psycopg.Connection[Any], id: UUID) -> None:
    """The file is gone, on purpose."""
    connection.execute("delete from onyx.backup where id = %s", [id])
