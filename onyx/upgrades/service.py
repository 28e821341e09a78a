"""Asking for a migration: the steward does it, since nobody else may change structure."""

from typing import Any
from uuid import UUID

from onyx.access.telling import told_first
from onyx.audit.actions import Action
from onyx.audit.record import target
from onyx.core.actor import Actor
from onyx.core.errors import Conflict, Invalid
from onyx.core.scope import current_scope
from onyx.tenancy import ledger, requests

from .queries import OPERATION


def ask(actor: Actor, tenant: UUID | None) -> dict[str, Any]:
    """Ask the steward to migrate everybody who is behind, or one. Returns the request's id.

    Raises Invalid for an organisation that does not exist, Conflict while another request waits or runs.
    """
    what = target("tenant", "", "every organisation")
    if tenant is not None:
        found = ledger.standing(current_scope(), tenant)
        if found is None:
            raise Invalid(fields={"tenant_id": "There is no such organisation."})
        what = target("tenant", found.id, found.slug)
    newest = requests.latest(current_scope(), OPERATION)
    if newest is not None and newest.state in ("queued", "running"):
        raise Conflict("A migration waits or runs already.")
    arguments = {"tenant": str(tenant)} if tenant else {}
    with told_first(actor, Action.MIGRATION_STARTED, what):  # without the event nothing is asked for
        id = requests.place(OPERATION, arguments)
    return {"id": id, "state": "queued"}
