"""The numbers over HTTP."""

from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Unavailable
from onyx.edge.http import requires
from onyx.edge.store import Away

from . import board

blueprint = Blueprint("monitoring", __name__)


@blueprint.get("/api/v1/monitoring/summary")
@requires(Permission.MONITORING_READ)
def summary(actor: Actor, _session: Session) -> dict[str, Any]:
    try:
        return board.summary(actor.tenant_id)
    except Away:
        raise Unavailable("The live numbers are kept in Redis, which is away.") from None


@blueprint.get("/api/v1/platform/monitoring/summary")
@requires(Permission.TENANTS_READ)
def platform_summary(_actor: Actor, _session: Session) -> dict[str, Any]:
    try:
        return board.summary(None)
    except Away:
        raise Unavailable("The live numbers are kept in Redis, which is away.") from None
