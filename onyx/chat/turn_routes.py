"""One turn over HTTP: `POST /api/v1/chat` as server-sent events, and the seed's older `POST /chat` (X3)."""

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from pydantic import AliasChoices, Field
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.projects import must_be_own
from onyx.core.actor import Actor
from onyx.core.errors import Invalid, NotFound, Unavailable
from onyx.edge.bounds import MESSAGES
from onyx.edge.documented import documented
from onyx.edge.http import body, requires
from onyx.edge.state import state

from . import turns
from .following import followed, written_before, written_here
from .forms import Content, Turn, client_key, known_id
from .service import Asked, Stored

blueprint = Blueprint("turns", __name__)
_PATIENCE = 60.0  # seconds beyond the provider's own limit


class OldTurn(Turn):
    """`POST /chat`: the text may also be called `message`."""

    text: Content = Field(validation_alias=AliasChoices("text", "message"))


@blueprint.post("/api/v1/chat")
@requires(Permission.CHAT_USE, limit="240/minute", spends=MESSAGES)
@documented(answers={200: "text/event-stream"})
def chat(actor: Actor, session: Session) -> Response:
    """Store a message and stream the answer: `session`, `message`, `delta`…, perhaps `error`, `done`."""
    form = body(Turn)
    stored, pieces = _ask(actor, session, form)
    return _streamed(actor, stored, pieces)


@blueprint.post("/chat")
@requires(Permission.CHAT_USE, limit="240/minute", spends=MESSAGES)
@documented(answers={200: {"type": "object"}})
def old_chat(actor: Actor, session: Session) -> Response | dict[str, Any]:
    """The same turn in one JSON answer, or streamed for `Accept: text/event-stream`."""
    form = body(OldTurn)
    stored, pieces = _ask(actor, session, form)
    if "text/event-stream" in request.headers.get("Accept", ""):
        return _streamed(actor, stored, pieces)
    return _whole(actor, stored, pieces)


def _ask(actor: Actor, session: Session, form: Turn) -> tuple[Stored, "SimpleQueue[tuple[str, Any]]"]:
    if form.project is not None and form.project_id is not None:
        raise Invalid(fields={"project": "Give either project or project_id."})
    if form.persona_id is not None:
        raise NotFound("There is no such persona.")
    project_id = must_be_own(session, actor, known_id(form.project_id))
    pieces: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    asked = Asked(
        content=form.text,
        chat_id=known_id(form.session_id),
        client_id=client_key(form.client_id),
        project_id=project_id,
        project_name=form.project.name if form.project else None,
    )
    stored = turns.ask(actor, asked, told_as=form.client_id, sink=lambda name, data: pieces.put((name, data)))
    return stored, pieces


def _streamed(actor: Actor, stored: Stored, pieces: "SimpleQueue[tuple[str, Any]]") -> Response:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    events = written_before(app, actor, stored, _seconds()) if stored.again else written_here(stored, pieces)
    response = Response(events, content_type="text/event-stream; charset=utf-8")
    response.headers["X-Accel-Buffering"] = "no"  # NGINX would hold pieces back
    return response


def _whole(actor: Actor, stored: Stored, pieces: "SimpleQueue[tuple[str, Any]]") -> dict[str, Any]:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    coming = followed(app, actor, stored, _seconds()) if stored.again else _drained(pieces)
    found = next((data for name, data in coming if name == "done"), {})
    return {
        "session_id": str(stored.chat_id),
        "message_id": str(stored.message_id),
        "reply_id": str(stored.reply_id),
        "response": found.get("content", ""),
        "status": found.get("status", "pending"),
        "metadata": found.get("metadata", {}),
    }


def _drained(pieces: "SimpleQueue[tuple[str, Any]]") -> Iterator[tuple[str, dict[str, Any]]]:
    while True:
        try:
            name, data = pieces.get(timeout=_seconds())
        except Empty:
            raise Unavailable() from None
        if data is None:
            return
        yield name, data


def _seconds() -> float:
    return state().settings.llm_timeout + _PATIENCE
