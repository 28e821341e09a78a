"""Onyx as it is served, with one route more: what `message:sent` stores, without the answer that it begins.

So that creating a chat with its message can be measured apart from the answer; everything before and after the call
is Onyx's own way in: limit, policy, scope, audit, access log.
"""

from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.chat import service
from onyx.chat.forms import Turn
from onyx.core.actor import Actor
from onyx.edge.http import body, requires
from wsgi import app

__all__ = ["app"]
blueprint = Blueprint("bench", __name__)


@blueprint.post("/bench/chats")
@requires(Permission.CHAT_USE)
def create(actor: Actor, _session: Session) -> dict[str, Any]:
    stored = service.send(actor, service.Asked(body(Turn).text))
    return {"id": stored.chat_id, "message_id": stored.message_id, "created_at": stored.created_at}


app.register_blueprint(blueprint)
