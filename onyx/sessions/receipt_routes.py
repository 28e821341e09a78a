"""The receipt of a revocation over HTTP: who obeyed, who has not answered, and asking again (S5)."""

from typing import Any
from uuid import UUID

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound, Unavailable
from onyx.edge.http import requires
from onyx.edge.state import state
from onyx.edge.store import Away
from onyx.tenancy.notices import Notice

from . import receipts

blueprint = Blueprint("receipts", __name__)


@blueprint.get("/api/v1/revocations/<revocation_id>")
@requires(Permission.SESSIONS_READ)
def receipt(actor: Actor, _session: Session, revocation_id: UUID) -> dict[str, Any]:
    """State `done`, `waiting` or `red`; with Redis away it is red, and says why."""
    return _shown(_own(actor, revocation_id))


@blueprint.post("/api/v1/revocations/<revocation_id>/retry")
@requires(Permission.SESSIONS_REVOKE, limit="60/minute")
def retry(actor: Actor, _session: Session, revocation_id: UUID) -> dict[str, Any]:
    """Ask every process once more; the job `revocations.retry` does so by itself until all have obeyed."""
    row = _own(actor, revocation_id)
    try:
        state().bus.tell_again(Notice(row.id, row.tenant_id, row.kind, row.subject_id, row.reason))
    except Away:
        raise Unavailable(receipts.TROUBLE) from None
    return _shown(_own(actor, revocation_id))


def _own(actor: Actor, id: UUID) -> Any:
    row = receipts.revocation(actor, id, anywhere=actor.may(Permission.TENANTS_READ))
    if row is None:
        raise NotFound()
    return row


def _shown(row: Any) -> dict[str, Any]:
    hand = state().bus.receipts
    try:
        seen = hand.read([row.id])[row.id]
        asked = set(seen.asked) or set(hand.alive())
    except Away:
        return receipts.unknown(row)
    return receipts.receipt(row, seen.acknowledged, seen.failed, asked)
