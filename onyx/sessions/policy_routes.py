"""How long login sessions of an organisation last, over HTTP, and the page on which its administrators say so (S3)."""

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.session_policy import over
from onyx.access.settings import change_own
from onyx.core.actor import Actor
from onyx.edge.http import body, requires
from onyx.edge.session_policy import defaults, policy_of

from .console_forms import SessionPolicy

blueprint = Blueprint("session_policy", __name__)


@blueprint.get("/admin/session-policy/")
@requires(Permission.SESSIONS_READ)
def page(actor: Actor, _session: Session) -> str:
    return render_template("admin/session_policy.html", policy=policy_of(actor.tenant_id).told())


@blueprint.get("/api/v1/settings/sessions")
@requires(Permission.SESSIONS_READ)
def policy(actor: Actor, _session: Session) -> dict[str, Any]:
    return {**policy_of(actor.tenant_id).told(), "defaults": defaults().told()}


@blueprint.patch("/api/v1/settings/sessions")
@requires(Permission.SETTINGS_MANAGE, limit="30/minute", fresh=True)
def change(actor: Actor, session: Session) -> dict[str, Any]:
    """Null brings Onyx's default back. Sessions that would last longer are shortened at once."""
    wanted = body(SessionPolicy).model_dump(exclude_unset=True)
    decided = change_own(session, actor, wanted, defaults())
    return {**over(decided.model_dump(), defaults()).told(), "defaults": defaults().told()}
