"""Putting a legal hold on an organisation and lifting it: told in the trail first, with before and after."""

from typing import Any

from sqlalchemy.orm import Session

from onyx.access.telling import told_first
from onyx.access.visiting import visiting
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.errors import Conflict, Denied
from onyx.core.scope import current_scope
from onyx.tenancy import holds
from onyx.tenancy.listing import Tenant


def hold_own(_session: Session, actor: Actor, on: bool, reason: str) -> holds.Hold | None:
    """Put a hold on the actor's own organisation, or lift it; purpose `admin`.

    Raises Conflict when it is so already, Denied for lifting one that the platform put on.
    """
    scope = current_scope()
    before = _must_differ(holds.hold_of(scope), on)
    if before is not None and before.by_platform:
        raise Denied("The platform put this legal hold on; only its administrators lift it.")
    with told_first(
        actor, _action(on), target("tenant", actor.tenant_id, actor.tenant_slug), **_told(before, on, reason)
    ):
        if not (holds.begin(scope, actor.email or actor.name, reason) if on else holds.end(scope)):
            raise Conflict(_MEANWHILE)
    return holds.hold_of(scope)


def hold_of(actor: Actor, place: Tenant, on: bool, reason: str) -> holds.Hold | None:
    """The same for any organisation; purpose `platform`. It stands in the platform's trail and in the tenant's."""
    before = _must_differ(holds.hold_of(current_scope(), place.id), on)
    where, told = target("tenant", place.id, place.slug), _told(before, on, reason)
    with (
        told_first(actor, _action(on), where, **told),
        visiting(actor, place.id, place.slug, place.name) as (inside, visitor),
    ):
        scope = current_scope()
        if not (holds.begin(scope, actor.email or actor.name, reason) if on else holds.end(scope)):
            raise Conflict(_MEANWHILE)
        if place.id != actor.tenant_id:
            record(inside, visitor, _action(on), where, **told)
    return holds.hold_of(current_scope(), place.id)


_MEANWHILE = "Somebody else has changed it meanwhile. Look at it again."


def _action(on: bool) -> Action:
    return Action.LEGAL_HOLD_BEGUN if on else Action.LEGAL_HOLD_ENDED


def _must_differ(before: holds.Hold | None, on: bool) -> holds.Hold | None:
    if on is (before is not None):
        raise Conflict("There is a legal hold already." if on else "There is no legal hold.")
    return before


def _told(before: holds.Hold | None, on: bool, reason: str) -> dict[str, Any]:
    more = {"held_since": before.since, "held_by": before.set_as} if before else {}
    return {"changes": [change("legal_hold", not on, on)], "why": reason, **more}
