"""Suspending, archiving and opening again: what closes an organisation and what brings it back (T1)."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.ending import end_everybody
from onyx.access.policy import PLATFORM_SLUG
from onyx.access.visiting import visiting
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.errors import Conflict
from onyx.core.scope import current_scope
from onyx.identity import changes
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.walls import control_plane

from .service import ask_steward
from .trail import told

_TURN = """
update tenant set status = %(new)s,
       suspended_at = case when %(new)s = 'suspended' then now() end,
       archived_at = case when %(new)s = 'archived' then now() end
 where id = %(id)s and status = %(old)s
   and (%(new)s <> 'active' or not exists (select from deletion where tenant_id = %(id)s and state = 'requested'))
"""


class Turned(NamedTuple):
    """An organisation as it is now, and the notice that tells every process; None when nothing had to change."""

    tenant: Tenant
    notice: UUID | None = None


def suspend(session: Session, actor: Actor, place: Tenant) -> Turned:
    """Close an organisation: every session, socket, stream and job of it ends within a second, nothing is lost.

    Its people sign in anew after resume(). Raises Conflict for the platform's own tenant.
    """
    if place.status == "suspended":
        return Turned(place)
    if place.status != "active":
        raise Conflict("Only an active organisation can be suspended.")
    return _close(session, actor, place, "suspended", Action.TENANT_SUSPENDED)


def archive(session: Session, actor: Actor, place: Tenant) -> Turned:
    """Close an organisation for good, its data kept: nothing works for it any more until resume() brings it back."""
    if place.status == "archived":
        return Turned(place)
    if place.status not in ("active", "suspended"):
        raise Conflict("Only an active or suspended organisation can be archived.")
    return _close(session, actor, place, "archived", Action.TENANT_ARCHIVED)


def resume(session: Session, actor: Actor, place: Tenant) -> Turned:
    """Open a suspended or archived organisation again. Raises Conflict while its deletion is asked for."""
    if place.status == "active":
        return Turned(place)
    if place.status not in ("suspended", "archived"):
        raise Conflict("Only a suspended or archived organisation can be opened again.")
    if place.status == "archived":  # it was left alone: its logs have no place for this month yet
        ask_steward("make_partitions", {"tenant": str(place.id)})
    return resume_prepared(session, actor, place)


def resume_prepared(session: Session, actor: Actor, place: Tenant) -> Turned:
    """resume() of an organisation whose logs have a place for what is happening now."""
    notice = _turn(session, actor, place, "active", Action.TENANT_RESUMED)
    with visiting(actor, place.id, place.slug, place.name) as (inside, visitor):
        record(inside, visitor, Action.TENANT_RESUMED, target("tenant", place.id, place.slug))
    return Turned(_again(place), notice)


def _close(session: Session, actor: Actor, place: Tenant, status: str, action: Action) -> Turned:
    if place.slug == PLATFORM_SLUG:
        raise Conflict("The platform itself cannot be closed.")
    notice = _turn(session, actor, place, status, action)
    with visiting(actor, place.id, place.slug, place.name) as (inside, visitor):
        end_everybody(inside, visitor, "tenant_suspended")
        record(inside, visitor, action, target("tenant", place.id, place.slug))
    return Turned(_again(place), notice)


def _turn(session: Session, actor: Actor, place: Tenant, status: str, action: Action) -> UUID:
    """The event, then the row; every process is told when the request has committed."""
    notice = changes.tenant_changed(session, place.id, "resumed" if status == "active" else "tenant_suspended")
    with told(actor, action, place, [change("status", place.status, status)]):
        with control_plane(current_scope()) as connection:
            asked = {"new": status, "old": place.status, "id": place.id}
            if connection.exec_driver_sql(_TURN, asked).rowcount != 1:
                raise Conflict("It has changed meanwhile, or its deletion is asked for. Look at it again.")
    return notice


def _again(place: Tenant) -> Tenant:
    found = known_tenant(current_scope(), place.id)
    assert found is not None
    return found
