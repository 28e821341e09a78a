"""Changes that lie in the control plane: the event first, then the change (docs/decisions/0007)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import current_scope, tenant_scope


@contextmanager
def told_first(
    actor: Actor,
    action: Action,
    where: dict[str, Any],
    purpose: str | None = None,
    also: Callable[[Session], object] | None = None,
    **more: Any,
) -> Iterator[None]:
    """Record an event in the actor's own trail, committed before the block begins: what cannot be recorded does not
    happen (A2). `also` is done in the event's transaction; `purpose` is the open scope's unless it is named.

    The control plane has transactions of its own, so that one commit cannot do for both. A block that fails after all
    leaves a second event, with the outcome failure. No connection is held meanwhile: whoever waited for a second one
    with the first in hand would wait for those who do the same.
    """
    inside = (actor.tenant_id, purpose or current_scope().purpose, actor.user_id, actor.session_id)
    with tenant_scope(*inside), unit_of_work() as own:
        record(own, actor, action, where, **more)
        if also is not None:
            also(own)
    try:
        yield
    except Exception as error:
        with tenant_scope(*inside), unit_of_work() as own:
            record(own, actor, action, where, **{**more, "outcome": "failure", "reason": type(error).__name__})
        raise
