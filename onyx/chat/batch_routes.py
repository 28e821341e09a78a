"""Chats in numbers: export of one, deletion, moving and export of many with a result for each (C1, X8)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.projects import must_be_own
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.errors import Invalid, NotFound
from onyx.core.ids import parse_id
from onyx.edge.documented import documented
from onyx.edge.http import body, requires

from . import queries, service, telling
from .export import MEDIA, exported, file_name
from .forms import Batch, known_id

blueprint = Blueprint("chat_batches", __name__)
MOST_CHARACTERS = 20_000_000


@blueprint.get("/api/v1/sessions/<chat_id>/export")
@requires(Permission.CHAT_USE, of=queries.chat, limit="60/minute")
@documented(query={"format": {"type": "string", "enum": list(MEDIA)}}, answers={200: "text/markdown"})
def export_chat(actor: Actor, session: Session, chat: Any) -> Response:
    format = request.args.get("format", "md")
    if format not in MEDIA:
        raise Invalid(fields={"format": f"Choose from {', '.join(MEDIA)}."})
    text = _exported(session, actor, chat, format)
    response = Response(text, content_type=f"{MEDIA[format]}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(chat, format)}"'
    return response


@blueprint.post("/api/v1/sessions/batch")
@requires(Permission.CHAT_USE, limit="30/minute")
def batch(actor: Actor, session: Session) -> list[dict[str, Any]]:
    """Delete, move or export up to 100 chats; the answer has one item for each id, in order.

    Where to move must be one of the person's own projects: any other is 404, and nothing is moved.
    """
    form = body(Batch)
    to = must_be_own(session, actor, known_id(form.project_id)) if form.op == "move" else None
    results = []
    left = MOST_CHARACTERS
    for text in form.ids:
        result = _one(session, actor, form, text, left, to)
        left -= len(result.get("content", ""))
        results.append(result)
    return results


def _one(session: Session, actor: Actor, form: Batch, text: str, left: int, project_id: UUID | None) -> dict[str, Any]:
    id = parse_id(text)
    chat = queries.chat(session, actor, id) if id else None
    if chat is None:
        return {"id": text, "ok": False, "error": {"code": NotFound.code, "message": NotFound.message}}
    if form.op == "delete":
        service.delete_chat(session, actor, chat_id=chat.id)
        telling.deleted(session, actor, chat.id)
        return {"id": text, "ok": True, "deleted": True}
    if form.op == "move":
        moved = service.move_chat(session, actor, chat, project_id=project_id)
        telling.updated(session, actor, moved)
        return {"id": text, "ok": True, "project_id": project_id and str(project_id)}
    if left <= 0:
        return {"id": text, "ok": False, "error": {"code": "too_large", "message": "Export the rest by itself."}}
    content = _exported(session, actor, chat, form.format)
    return {"id": text, "ok": True, "file_name": file_name(chat, form.format), "content": content}


def _exported(session: Session, actor: Actor, chat: Any, format: str) -> str:
    messages = queries.whole_messages(session, actor, chat.id)
    record(session, actor, Action.CHAT_EXPORTED, target("chat", chat.id), format=format, messages=len(messages))
    return exported(chat, messages, format)
