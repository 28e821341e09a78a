"""Exports that a page hands out and archives that it received: their lines (onyx.parcel) and where their files lie."""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from onyx.core.clock import now
from onyx.core.scope import Scope
from onyx.tenancy.requests import asking
from onyx.tenancy.steward import Refused
from onyx.tenancy.walls import control_plane
from onyx.tenancy.whole_files import PART, Counted, remove

from .tables import Connection

MOST_WAITING = 5
GONE = "This archive is not here any more. Upload it again."
_COLUMNS = "id, direction, tenant_id, slug, state, size, sha256, error, created_by, created_as, created_at, expires_at"
_PAGE = f"select {_COLUMNS} from parcel order by created_at desc limit 20"
_ONE = f"select {_COLUMNS} from parcel where id = %s"
_RECEIVED = """
insert into parcel (id, direction, slug, state, size, sha256, created_by, created_as, expires_at)
values (%s, 'import', %s, 'ready', %s, %s, %s, %s, now() + %s * interval '1 hour')
"""
_BEGIN = """
insert into onyx.parcel (id, direction, tenant_id, slug, state, created_by, created_as, expires_at)
select %(id)s, 'export', t.id, t.slug, 'running', r.requested_by, %(as)s, now() + %(hours)s * interval '1 hour'
  from onyx.tenant t left join onyx.steward_request r on r.id = %(request)s where t.id = %(tenant)s
on conflict (id) do update set state = 'running', error = null
"""
_OVER = """
update onyx.parcel set state = 'gone' where state in ('running', 'ready', 'failed') and expires_at < now() returning id
"""


class Parcel(NamedTuple):
    """One archive on its way out or in; `size` in bytes."""

    id: UUID
    direction: str
    tenant_id: UUID | None
    slug: str
    state: str
    size: int | None
    sha256: bytes | None
    error: str | None
    created_by: UUID | None
    created_as: str
    created_at: datetime
    expires_at: datetime

    @property
    def may_be_fetched(self) -> bool:
        return self.state == "ready" and self.expires_at > now()


def path_of(folder: Path, id: UUID) -> Path:
    return folder / "parcels" / f"{id.hex}.onyx"


def newest(scope: Scope) -> list[Parcel]:
    """The last twenty, the newest first; purpose `platform`."""
    with control_plane(scope) as connection:
        return [Parcel(*row) for row in connection.exec_driver_sql(_PAGE)]


def one(scope: Scope, id: UUID) -> Parcel | None:
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(_ONE, (id,)).one_or_none()
    return Parcel(*found) if found else None


def waiting() -> int:
    """How many received archives wait for what becomes of them."""
    with asking() as connection:
        counted = "select count(*) from parcel where direction = 'import' and state = 'ready' and expires_at > now()"
        return int(connection.exec_driver_sql(counted).scalar_one())


def received(id: UUID, slug: str, file: Counted, named: str, hours: int) -> None:
    """An archive came in, in the name of the open scope's person, and lies in its place."""
    with asking() as connection:
        values = (id, slug, file.size, file.sha256, _asker(connection), named, hours)
        connection.exec_driver_sql(_RECEIVED, values)


def _asker(connection: Any) -> UUID | None:
    found: UUID | None = connection.exec_driver_sql("select ctx_asker()").scalar_one()
    return found


def begin(owner: Connection, id: UUID, tenant: UUID, named: str, hours: int, request: UUID | None) -> None:
    """The steward begins to write an export."""
    owner.execute(_BEGIN, {"id": id, "tenant": tenant, "as": named, "hours": hours, "request": request})


def ready(owner: Connection, id: UUID, file: Counted) -> None:
    owner.execute(
        "update onyx.parcel set state = 'ready', size = %s, sha256 = %s where id = %s", [file.size, file.sha256, id]
    )


def ended(owner: Connection, id: UUID, state: str, error: str | None = None) -> None:
    owner.execute("update onyx.parcel set state = %s, error = %s where id = %s", [state, error, id])


def used(main: Connection, id: UUID) -> None:
    """A received archive has become an organisation, in the same transaction: it is never two of them.

    Raises Refused when it became one meanwhile.
    """
    if not main.execute("update onyx.parcel set state = 'done' where id = %s and state = 'ready'", [id]).rowcount:
        raise Refused(GONE)


def sweep(owner: Connection, folder: Path) -> int:
    """Remove files whose time is over, and what nobody has a line for; returns how many lines ended."""
    over = owner.execute(_OVER).fetchall()
    for (id,) in over:
        remove(path_of(folder, id))
    kept = {
        path_of(folder, row[0]).name
        for row in owner.execute("select id from onyx.parcel where state in ('running', 'ready', 'failed')")
    }
    for path in (folder / "parcels").glob("*"):
        if path.name.removesuffix(PART) not in kept and _old(path):
            remove(path)
    return len(over)


def _old(path: Path) -> bool:
    """What nobody has written to for an hour: what is being received has no line yet."""
    try:
        return now().timestamp() - path.stat().st_mtime > 3600
    except FileNotFoundError:
        return False
