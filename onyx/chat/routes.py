"""Chats over `/api/v1/sessions`: list, create, read, rename, delete, messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.core.pages import cursor_after, cut, parse_cursor
from onyx.edge.http import body, ok, query_int, requires

from . import queries, service, telling
from .answering import chat_line, listed, message_line
from .forms import ChatChange, NewChat, NewTitle, known_id
from .shapes import chat_shown

blueprint = Blueprint("chats", __name__)
LARGEST_OFFSET = 10_000_000


@blueprint.get("/api/v1/sessions")
@requires(Permission.CHAT_USE)
def list_chats(actor: Actor, session: Session) -> Response:
    limit = query_int("limit", 50, 1, queries.MOST_CHATS - 1)
    after = parse_cursor(request.args.get("after") or request.args.get("next"))
    title = request.args.get("q", "").replace("\x00", "")[:200] or None
    found = queries.page_of_chats(session, actor, limit + 1, after, title)
    shown, following = cut(found, limit, _cursor_after)
    return listed(map(chat_line, shown), following)


@blueprint.post("/api/v1/sessions")
@requires(Permission.CHAT_USE, limit="120/minute")
def create_chat(actor: Actor, session: Session) -> Response:
    form = body(NewChat)
    made = service.create_chat(session, actor, title=form.title, project_id=known_id(form.project_id))
    telling.created(session, actor, made)
    return ok(chat_shown(made), status=201)


@blueprint.get("/api/v1/sessions/<chat_id>")
@requires(Permission.CHAT_USE, of=queries.chat)
def one_chat(_actor: Actor, _session: Session, chat: Any) -> dict[str, Any]:
    return chat_shown(chat)


@blueprint.patch("/api/v1/sessions/<chat_id>")
@requires(Permission.CHAT_USE, of=queries.chat)
def change_chat(actor: Actor, session: Session, chat: Any) -> dict[str, Any]:
    form = body(ChatChange)
    changed = chat
    if form.title is not None:
        changed = service.rename_chat(session, actor, changed, title=form.title)
    if "project_id" in form.model_fields_set:
        changed = service.move_chat(session, actor, changed, project_id=known_id(form.project_id))
    telling.updated(session, actor, changed)
    return chat_shown(changed)


@blueprint.put("/api/v1/sessions/<chat_id>/title")
@requires(Permission.CHAT_USE, of=queries.chat)
def rename_chat(actor: Actor, session: Session, chat: Any) -> dict[str, Any]:
    changed = service.rename_chat(session, actor, chat, title=body(NewTitle).title)
    telling.updated(session, actor, changed)
    return chat_shown(changed)


@blueprint.delete("/api/v1/sessions/<chat_id>")
@requires(Permission.CHAT_USE, of=queries.chat)
def delete_chat(actor: Actor, session: Session, chat: Any) -> dict[str, Any]:
    service.delete_chat(session, actor, chat_id=chat.id)
    telling.deleted(session, actor, chat.id)
    return {"id": str(chat.id), "deleted": True}


@blueprint.get("/api/v1/sessions/<chat_id>/messages")
@requires(Permission.CHAT_USE, of=queries.chat)
def list_messages(actor: Actor, session: Session, chat: Any) -> Response:
    """Oldest first. `offset` as in the seed, `before` for the latest ones below a number, `after_seq` for the rest."""
    limit = query_int("limit", 50, 1, 500)
    if request.args.get("before"):
        found = queries.messages_before(session, actor, chat.id, query_int("before", 1, 0, 2**31 - 1), limit + 1)
        shown, following = cut(found, limit, lambda row: str(row.seq))
        return listed(map(message_line, reversed(shown)), following)
    after = "after_seq" if "after_seq" in request.args else "after"
    if request.args.get(after):
        if request.args.get("offset"):
            raise Invalid(fields={"offset": "Give either offset or after_seq."})
        found = queries.messages_after(session, actor, chat.id, query_int(after, 0, 0, 2**31 - 1), limit + 1)
    else:
        found = queries.page_of_messages(session, actor, chat.id, limit + 1, query_int("offset", 0, 0, LARGEST_OFFSET))
    shown, following = cut(found, limit, lambda row: str(row.seq))
    return listed(map(message_line, shown), following)


def _cursor_after(row: Any) -> str:
    return cursor_after(datetime.fromisoformat(row.last_message_at), UUID(row.id))
