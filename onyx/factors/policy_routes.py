"""Whether an organisation requires a second factor of everybody, over HTTP."""

from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.factor_policy import is_required
from onyx.access.policy import Permission
from onyx.access.settings import FACTOR, change_own
from onyx.core.actor import Actor
from onyx.edge.http import body, requires
from onyx.edge.session_policy import defaults

from .forms import FactorPolicy

blueprint = Blueprint("factor_policy", __name__)


@blueprint.get("/api/v1/sign-in-policy")
@requires(Permission.USERS_READ)
def policy(_actor: Actor, _session: Session) -> dict[str, Any]:
    return {"require_factor": is_required()}


@blueprint.patch("/api/v1/sign-in-policy")
@requires(Permission.SETTINGS_MANAGE, limit="30/minute", fresh=True)
def change(actor: Actor, session: Session) -> dict[str, Any]:
    form = body(FactorPolicy)
    change_own(session, actor, {FACTOR: form.require_factor}, defaults())
    return {"require_factor": form.require_factor}
