"""The settings of one's own organisation over HTTP."""

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy.orm import Session

from onyx.access import settings
from onyx.access.policy import Permission
from onyx.access.quotas import usage
from onyx.core.actor import Actor
from onyx.core.scope import current_scope
from onyx.edge.http import body, requires
from onyx.edge.session_policy import defaults, policy_of
from onyx.edge.settings_form import SettingsChange
from onyx.tenancy.settings import TenantSettings, settings_of

from . import model_test
from .forms import ModelTried

blueprint = Blueprint("settings", __name__)


@blueprint.get("/admin/settings")
@requires(Permission.SETTINGS_MANAGE)
def page(actor: Actor, session: Session) -> str:
    return render_template(
        "admin/settings.html",
        settings=_shown(session, settings_of(current_scope())),
        policy=policy_of(actor.tenant_id).told(),
        your_address=actor.request.ip,
    )


@blueprint.get("/api/v1/tenant/settings")
@requires(Permission.SETTINGS_MANAGE)
def own(_actor: Actor, session: Session) -> dict[str, Any]:
    """All settings that are in force, and how much of each quota is used up: today's (UTC) for daily ones."""
    return _shown(session, settings_of(current_scope()))


@blueprint.post("/api/v1/tenant/settings/model/test")
@requires(Permission.SETTINGS_MANAGE, limit="20/minute")
def test_model(actor: Actor, session: Session) -> dict[str, Any]:
    """One small real question to whoever answers people here, or would with the settings in the body: which model
    answered and how fast, or what is wrong. It stands in the trail.
    """
    return model_test.ask(session, actor, body(ModelTried).model_dump(exclude_unset=True))


@blueprint.patch("/api/v1/tenant/settings")
@requires(Permission.SETTINGS_MANAGE, limit="60/minute", fresh=True)
def change_own(actor: Actor, session: Session) -> dict[str, Any]:
    """Change what is named; null brings the default back. In force everywhere within a second."""
    wanted = body(SettingsChange).model_dump(exclude_unset=True)
    return _shown(session, settings.change_own(session, actor, wanted, defaults()))


def _shown(session: Session, decided: TenantSettings) -> dict[str, Any]:
    return {**settings.shown(decided), "usage": usage(session)}
