"""One's own account over HTTP, and the settings pages."""

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from onyx.access.policy import Permission
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import Invalid
from onyx.core.scope import tenant_scope
from onyx.edge import lockout
from onyx.edge.http import body, ok, requires
from onyx.edge.renewing import with_new_token

from . import service
from .forms import PasswordChange, ProfileChange

blueprint = Blueprint("account", __name__)


@blueprint.get("/settings")
@requires(Permission.OWN_ACCOUNT)
def settings_page(actor: Actor, _session: Session) -> str:
    return render_template("settings/page.html", profile=_shown(actor, actor.name, actor.preferences))


@blueprint.get("/settings/sessions")
@requires(Permission.OWN_ACCOUNT)
def sessions_page(_actor: Actor, _session: Session) -> str:
    return render_template("settings/sessions.html")


@blueprint.get("/api/v1/users/me")
@requires(Permission.PROFILE_READ)
def who_am_i(actor: Actor, _session: Session) -> dict[str, Any]:
    return _shown(actor, actor.name, actor.preferences)


@blueprint.patch("/api/v1/users/me")
@requires(Permission.OWN_ACCOUNT)
def change_me(actor: Actor, session: Session) -> dict[str, Any]:
    profile = service.change_profile(session, actor, body(ProfileChange))
    return _shown(actor, profile.display_name, profile.preferences)


@blueprint.post("/api/v1/auth/password")
@requires(Permission.OWN_ACCOUNT, limit="20/hour")
def change_password(actor: Actor, _session: Session) -> Response:
    """Ends the person's other sessions; a browser gets a new token, so that no copy of the old one goes on."""
    form = body(PasswordChange)
    assert actor.user_id is not None
    with lockout.guessing(actor, code=False) as wrong:
        try:
            with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
                ended, revoked = service.change_password(session, actor, form.current, form.new, form.revoke_keys)
        except Invalid as refused:
            if "current" in (refused.fields or {}):
                wrong()
                who = target("user", actor.user_id, actor.email)
                record_alone(actor, Action.STEP_UP_FAILED, who, outcome="failure")
            raise
    return with_new_token(actor, ok({"changed": True, "sessions_ended": ended, "api_keys_revoked": revoked}))


def _shown(actor: Actor, name: str, preferences: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": actor.user_id,
        "email": actor.email,
        "display_name": name,
        "preferences": preferences,
        "roles": actor.roles,
        "permissions": sorted(actor.permissions),
        "tenant": {"id": actor.tenant_id, "slug": actor.tenant_slug, "name": actor.tenant_name},
        "session_id": actor.session_id,
    }
