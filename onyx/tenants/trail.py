"""The platform's own trail of what it does to organisations: the event first, then the change."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.tenancy.listing import Tenant


@contextmanager
def told(
    actor: Actor, action: Action, place: Tenant, changes: Iterable[dict[str, Any]] = (), **more: Any
) -> Iterator[None]:
    """Record an event, committed before the block begins: what cannot be recorded does not happen (A2).

    The control plane has transactions of its own, so that one commit cannot do for both. A block that fails after all
    leaves a second event, with the outcome failure. No connection is held meanwhile: whoever waited for a second one
    with the first in hand would wait for those who do the same.
    """
    changes = list(changes)
    _tell(actor, action, place, changes=changes, **more)
    try:
        yield
    except Exception as error:
        _tell(actor, action, place, changes=changes, outcome="failure", reason=type(error).__name__)
        raise


def _tell(actor: Actor, action: Action, place: Tenant, **more: Any) -> None:
    with tenant_scope(actor.tenant_id, "platform", actor.user_id, actor.session_id), unit_of_work() as own:
        record(own, actor, action, target("tenant", place.id, place.slug), **more)
