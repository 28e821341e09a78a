"""Trying out whether Onyx can send mail."""

from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Conflict
from onyx.edge.http import requires
from onyx.edge.state import state

from . import service

blueprint = Blueprint("first_run", __name__)


@blueprint.post("/api/v1/mail/test")
@requires(Permission.SETTINGS_MANAGE, limit="10/hour")
def send_test_mail(actor: Actor, session: Session) -> dict[str, Any]:
    """Send a mail to oneself. 409 where the installation sends none; whether it went stands in the trail."""
    if not state().settings.sends_mail:
        raise Conflict("This installation sends no mail: SMTP_URL and SMTP_FROM are not set.")
    service.send_test_mail(session, actor)
    return {"to": actor.email}
