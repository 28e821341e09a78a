"""Reading backups, and what the steward is doing about them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.ids import parse_id
from onyx.core.pages import cut
from onyx.core.scope import current_scope
from onyx.tenancy import backup_ledger
from onyx.tenancy.backup_ledger import Backup
from onyx.tenancy.listing import Tenant, names_of
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.walls import control_plane

from . import parcels
from .operations import LONG
from .parcels import Parcel

# What is under way and what people asked for come before what the schedule placed, however much of that there is.
_REQUESTS = """
select id, operation, arguments, state, result, error, progress, created_at, finished_at from steward_request
 where operation = any (%s) and (%s::uuid is null or id = %s)
 order by state = 'running' desc, requested_by is not null and created_at > now() - interval '1 day' desc, created_at desc
 limit 20
"""
_TENANTS_OF = "select id, tenant_id from backup where id = any (%s)"
_WAITING = """
select state, count(*) from steward_request where operation = any (%s) and state in ('queued', 'running') group by state
"""


def tenant(_session: Session, _actor: Actor, tenant_id: UUID) -> Tenant | None:
    """One organisation (a loader for `requires`)."""
    return known_tenant(current_scope(), tenant_id)


def backup(_session: Session, _actor: Actor, tenant_id: UUID, backup_id: UUID) -> Backup | None:
    """One backup of that organisation (a loader for `requires`)."""
    found = backup_ledger.backup(current_scope(), backup_id)
    return found if found is not None and found.tenant_id == tenant_id else None


def page(size: int, after: UUID | None, tenant: UUID | None, q: str = "") -> tuple[list[dict[str, Any]], str | None]:
    """A page of backups, the newest first; of one organisation, or of all whose short name has a part `q`."""
    found = backup_ledger.backups(current_scope(), size + 1, after, tenant, q)
    rows, following = cut(found, size, lambda row: str(row.id))
    there = names_of(current_scope(), [row.tenant_id for row in rows])
    return [{**shown(row), "tenant_there": row.tenant_id in there} for row in rows], following


def requests(id: UUID | None = None) -> list[dict[str, Any]]:
    """What the steward was asked for lately, what is under way and what people asked for first, with how far it is."""
    with control_plane(current_scope()) as connection:
        found = connection.exec_driver_sql(_REQUESTS, (list(LONG), id, id)).all()
        of = {row[0]: row[1] for row in connection.exec_driver_sql(_TENANTS_OF, (_ids(found, "backup_id"),))}
    names = names_of(current_scope(), [*of.values(), *_ids(found, "tenant_id")])
    told = [_asked(row) for row in found]
    return [{**one, "tenant_slug": names.get(whose) if (whose := _whose(one, of)) else None} for one in told]


def waiting() -> dict[str, int]:
    """How much the steward still has to do, because somebody asked or by schedule: what waits, and what is under way."""
    with control_plane(current_scope()) as connection:
        found = {row[0]: row[1] for row in connection.exec_driver_sql(_WAITING, (list(LONG),))}
    return {state: found.get(state, 0) for state in ("queued", "running")}


def _ids(found: Sequence[Any], name: str) -> list[UUID]:
    return [id for row in found if (id := parse_id(row.arguments.get(name))) is not None]


def _whose(one: dict[str, Any], of: dict[UUID, UUID]) -> UUID | None:
    """The organisation that a request is about, itself or by its backup."""
    backup = parse_id(one["backup_id"])
    return parse_id(one["tenant_id"]) or (of.get(backup) if backup else None)


def parcel(_session: Session, _actor: Actor, parcel_id: UUID) -> Parcel | None:
    """One export or received archive (a loader for `requires`)."""
    return parcels.one(current_scope(), parcel_id)


def parcels_shown() -> list[dict[str, Any]]:
    """The last exports and received archives, the newest first."""
    return [shown_parcel(row) for row in parcels.newest(current_scope())]


def shown_parcel(row: Parcel) -> dict[str, Any]:
    return {
        "id": row.id,
        "direction": row.direction,
        "tenant_id": row.tenant_id,
        "slug": row.slug,
        "state": row.state if row.state != "ready" or row.may_be_fetched else "gone",
        "size": row.size,
        "sha256": row.sha256.hex() if row.sha256 else None,
        "error": row.error,
        "created_by": row.created_as,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    }


def shown(row: Backup) -> dict[str, Any]:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "slug": row.slug,
        "kind": row.kind,
        "state": row.state,
        "size": row.size,
        "sha256": row.sha256.hex() if row.sha256 else None,
        "error": row.error,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "drill_at": row.drill_at,
        "drill_ok": row.drill_ok,
        "drill_says": row.drill_says,
    }


def _asked(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "operation": row.operation,
        "tenant_id": row.arguments.get("tenant_id"),
        "backup_id": row.arguments.get("backup_id"),
        "parcel_id": row.arguments.get("parcel_id"),
        "slug": row.arguments.get("slug"),
        "asked_by": row.arguments.get("asked_by") or None,
        "state": row.state,
        "done": (row.progress or {}).get("done", 0),
        "total": (row.progress or {}).get("total", 0),
        "result": row.result,
        "error": row.error,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }
