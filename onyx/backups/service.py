"""Asking for backups, drills and restores: a request to the steward, told in the platform's trail first."""

import json
from typing import Any
from uuid import UUID

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import Conflict, Invalid
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope, tenant_scope
from onyx.tenancy.backup_ledger import Backup
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.slugs import checked_slug
from onyx.tenancy.walls import control_plane

from .operations import BACKUP, DRILL, RESTORE

_PLACE = "insert into steward_request (id, operation, arguments, requested_by) values (%s, %s, %s, %s)"


def back_up(actor: Actor, place: Tenant) -> UUID:
    """Ask for a backup of an organisation; returns the request's id."""
    arguments = {"tenant_id": str(place.id), "asked_by": actor.email}
    return _ask(actor, BACKUP, arguments, Action.BACKUP_ASKED, place.id, place.slug)


def rehearse(actor: Actor, backup: Backup) -> UUID:
    """Ask for a restore drill of a backup; returns the request's id. Raises Conflict for one that is not finished."""
    _must_be_done(backup)
    arguments = {"backup_id": str(backup.id), "asked_by": actor.email}
    return _ask(actor, DRILL, arguments, Action.BACKUP_ASKED, backup.tenant_id, backup.slug, drill_of=backup.id)


def restore(actor: Actor, backup: Backup, *, slug: str | None, confirm: str) -> UUID:
    """Ask for a restore, beside as `slug` or in place; returns the request's id.

    Raises Invalid without the typed confirmation, Conflict for a taken slug, the platform itself, a backup that is
    not finished.
    """
    _must_be_done(backup)
    there = known_tenant(current_scope(), backup.tenant_id)
    if slug is not None and known_tenant(current_scope(), slug=checked_slug(slug)) is not None:
        raise Conflict("There is an organisation with this short name already.")
    if slug is None:
        if there is not None and there.slug == "platform":
            raise Conflict("The platform itself is not restored in place.")
        wanted = there.slug if there is not None else backup.slug
        if confirm != wanted:
            raise Invalid(fields={"confirm": f"Type {wanted} to replace what is there now."})
    arguments = {"backup_id": str(backup.id), "slug": slug, "asked_by": actor.email}
    return _ask(
        actor, RESTORE, arguments, Action.RESTORE_ASKED, backup.tenant_id, backup.slug, backup=backup.id, beside=slug
    )


def _ask(
    actor: Actor, operation: str, arguments: dict[str, Any], action: Action, tenant: UUID, slug: str, **details: Any
) -> UUID:
    """The event's transaction commits first: what is not in the trail is not asked for."""
    id = uuid7()
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql(_PLACE, (id, operation, json.dumps(arguments), actor.user_id))
        with tenant_scope(actor.tenant_id, "platform", actor.user_id, actor.session_id), unit_of_work() as own:
            record(own, actor, action, target("tenant", tenant, slug), request=id, **details)
    return id


def _must_be_done(backup: Backup) -> None:
    if backup.state != "done":
        raise Conflict("This backup is not finished.")
