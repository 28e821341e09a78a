"""The platform's own trail of what it does to organisations: the event first, then the change."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from onyx.access.telling import told_first
from onyx.audit.actions import Action
from onyx.audit.record import target
from onyx.core.actor import Actor
from onyx.tenancy.listing import Tenant


def told(
    actor: Actor, action: Action, place: Tenant, changes: Iterable[dict[str, Any]] = (), **more: Any
) -> AbstractContextManager[None]:
    """told_first() of an organisation, in the platform's trail."""
    where = target("tenant", place.id, place.slug)
    return told_first(actor, action, where, purpose="platform", changes=list(changes), **more)
