"""Onyx as it is served, with two routes more: what `message:sent` stores, without the answer that it begins, and what
checking passwords has cost.

So that creating a chat with its message can be measured apart from the answer, and signing in apart from the hash, in
the same process and the same moment; everything before and after is Onyx's own way in: limit, policy, scope, audit,
access log.
"""

import time
from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.chat import service
from onyx.chat.forms import Turn
from onyx.core.actor import Actor
from onyx.edge.http import body, everybody, requires
from onyx.identity import passwords
from wsgi import app

__all__ = ["app"]
blueprint = Blueprint("bench", __name__)


@blueprint.post("/bench/chats")
@requires(Permission.CHAT_USE)
def create(actor: Actor, _session: Session) -> dict[str, Any]:
    stored = service.send(actor, service.Asked(body(Turn).text))
    return {"id": stored.chat_id, "message_id": stored.message_id, "created_at": stored.created_at}


@blueprint.get("/bench/hashing")
@everybody("6000/minute")
def hashing() -> dict[str, float]:
    """Seconds of CPU that checking passwords has taken so far, in whichever threads."""
    return {"seconds": _timed.seconds}


class _Timed:
    """The hasher, with the time of its threads."""

    seconds = 0.0

    def __init__(self, hasher: Any) -> None:
        self._hasher = hasher

    def verify(self, *asked: Any) -> Any:
        began = time.thread_time()
        try:
            return self._hasher.verify(*asked)
        finally:
            self.seconds += time.thread_time() - began


_timed = _Timed(passwords._hasher)
passwords.__dict__["_hasher"] = _timed
app.register_blueprint(blueprint)
