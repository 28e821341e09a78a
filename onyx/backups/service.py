"""Asking for backups, drills and restores: a request to the steward, told in the platform's trail first."""

from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.telling import told_first
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.aside import Full
from onyx.core.errors import Conflict, Invalid
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope
from onyx.tenancy import requests
from onyx.tenancy.backup_ledger import Backup
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.slugs import checked_slug

from .frames import Damaged, WrongPassphrase
from .keyring import new_passphrase
from .looking import BUSY, LANE, opened
from .operations import BACKUP, DRILL, EXPORT, IMPORT, RESTORE
from .parcels import GONE, Parcel
from .passing import hidden


def back_up(actor: Actor, place: Tenant) -> UUID:
    """Ask for a backup of an organisation; returns the request's id."""
    arguments = {"tenant_id": str(place.id), "asked_by": actor.email}
    return _ask(actor, BACKUP, arguments, Action.BACKUP_ASKED, place.id, place.slug)


def rehearse(actor: Actor, backup: Backup) -> UUID:
    """Ask for a restore drill of a backup; returns the request's id. Raises Conflict for one that is not finished."""
    _must_be_done(backup)
    arguments = {"backup_id": str(backup.id), "asked_by": actor.email}
    return _ask(actor, DRILL, arguments, Action.BACKUP_ASKED, backup.tenant_id, backup.slug, drill_of=backup.id)


def restore(actor: Actor, backup: Backup, *, slug: str | None, confirm: str, node: str | None = None) -> UUID:
    """Ask for a restore, beside as `slug` or in place; returns the request's id.

    Raises Invalid without the typed confirmation, Conflict for a taken slug, the platform itself, a backup that is
    not finished.
    """
    _must_be_done(backup)
    there = known_tenant(current_scope(), backup.tenant_id)
    if slug is not None:
        _must_be_free(slug)
    if slug is None:
        if there is not None and there.slug == "platform":
            raise Conflict("The platform itself is not restored in place.")
        wanted = there.slug if there is not None else backup.slug
        if confirm != wanted:
            raise Invalid(fields={"confirm": f"Type {wanted} to replace what is there now."})
    arguments = {"backup_id": str(backup.id), "slug": slug, "node": node, "asked_by": actor.email}
    return _ask(
        actor, RESTORE, arguments, Action.RESTORE_ASKED, backup.tenant_id, backup.slug, backup=backup.id, beside=slug
    )


def export(actor: Actor, place: Tenant) -> tuple[UUID, UUID, str]:
    """Ask for an export; returns the request's id, the parcel's, and the passphrase, which nobody is told again."""
    parcel, passphrase = uuid7(), new_passphrase()
    arguments = {
        "tenant_id": str(place.id), "parcel_id": str(parcel), "asked_by": actor.email,
        "sealed": hidden(actor.tenant_id, parcel, passphrase),
    }  # fmt: skip
    id = _ask(actor, EXPORT, arguments, Action.EXPORT_ASKED, place.id, place.slug, parcel=parcel)
    return id, parcel, passphrase


def note_download(session: Session, actor: Actor, parcel: Parcel) -> None:
    """Somebody fetches an export."""
    where = target("tenant", parcel.tenant_id or "", parcel.slug)
    sha256 = parcel.sha256.hex() if parcel.sha256 else ""
    record(session, actor, Action.EXPORT_DOWNLOADED, where, parcel=parcel.id, sha256=sha256)


def bring_in(actor: Actor, parcel: Parcel, path: Path, *, slug: str, passphrase: str, node: str | None) -> UUID:
    """Ask that a received archive become a new organisation; returns the request's id.

    Every frame of it is opened before. Raises Invalid for a wrong passphrase, an altered archive or a malformed slug,
    Conflict for a taken one.
    """
    if not parcel.may_be_fetched or not path.exists():
        raise Conflict(GONE)
    _must_be_free(slug)
    try:
        LANE.run(lambda: opened(path, passphrase))
    except Full:
        raise Conflict(BUSY) from None
    except WrongPassphrase as wrong:
        raise Invalid(fields={"passphrase": str(wrong)}) from None
    except Damaged as damaged:
        raise Invalid(fields={"archive": str(damaged)}) from None
    arguments = {
        "parcel_id": str(parcel.id), "slug": slug, "node": node, "asked_by": actor.email,
        "sealed": hidden(actor.tenant_id, parcel.id, passphrase),
    }  # fmt: skip
    return _ask(actor, IMPORT, arguments, Action.IMPORT_ASKED, None, slug, parcel=parcel.id)


def _must_be_free(slug: str) -> None:
    if known_tenant(current_scope(), slug=checked_slug(slug)) is not None:
        raise Conflict("There is an organisation with this short name already.")


def _ask(
    actor: Actor, operation: str, arguments: dict[str, Any], action: Action, tenant: UUID | None, slug: str,
    **details: Any,
) -> UUID:  # fmt: skip
    """The event commits first: what is not in the trail is not asked for."""
    id = uuid7()
    with told_first(actor, action, target("tenant", tenant, slug), purpose="platform", request=id, **details):
        requests.place(operation, arguments, id)
    return id


def _must_be_done(backup: Backup) -> None:
    if backup.state != "done":
        raise Conflict("This backup is not finished.")
