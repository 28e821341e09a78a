"""The seed document's routes and bodies, in its camelCase (X1). A login session keeps which chat it has open."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.db import rows
from onyx.core.errors import Invalid
from onyx.core.ids import parse_id
from onyx.edge.http import body, ok, query_int, requires

from . import queries, service, telling
from .active import keep_active
from .forms import SeedChat

blueprint = Blueprint("seed_chats", __name__)
MOST = 100_000
# The person's newest chats, and the one that this login session has open, in one statement.
_LIST = """
select c.id, c.title, c.preview, c.created_at, c.last_message_at, c.message_count, o.current_chat
  from (select %s::uuid as user_id, %s::uuid as session_id) me
  left join lateral (select l.current_chat from login_session l join chat_session k
                         on k.user_id = l.user_id and k.id = l.current_chat
                      where l.user_id = me.user_id and l.id = me.session_id) o on true
  left join lateral get_user_sessions(me.user_id, %s) c on true
"""
_OPEN = "update login_session set current_chat = %s where user_id = %s and id = %s and state = 'active'"


@blueprint.get("/api/sessions")
@requires(Permission.CHAT_USE)
def list_sessions(actor: Actor, session: Session) -> dict[str, Any]:
    limit = query_int("limit", 100, 1, 1000)
    found = rows(session, _LIST, actor.user_id, actor.session_id, limit)
    shown = [_shown(row) for row in found if row.id is not None]
    current = found[0].current_chat if found else None
    return {"sessions": shown, "count": len(shown), "currentSession": current and str(current)}


@blueprint.post("/api/sessions")
@requires(Permission.CHAT_USE, limit="120/minute")
def create_session(actor: Actor, session: Session) -> Response:
    """A new chat, under an id that the client may choose; asking twice for one id makes one."""
    wanted = body(SeedChat).sessionId
    id = parse_id(wanted) if wanted is not None else None
    if wanted is not None and id is None:
        raise Invalid(fields={"sessionId": "Give a UUID, or nothing."})
    there = queries.chat(session, actor, id) if id else None
    made = there or service.create_chat(session, actor, id=id)
    if there is None:
        telling.created(session, actor, made)
    return ok({"session": _shown(made), "sessionId": str(made.id), "created": there is None}, 200 if there else 201)


@blueprint.post("/api/sessions/<chat_id>/load")
@requires(Permission.CHAT_USE, of=queries.chat)
def load_session(actor: Actor, session: Session, chat: Any) -> dict[str, Any]:
    history = _history(session, actor, chat)
    if actor.session_id is not None:
        session.connection().exec_driver_sql(_OPEN, (chat.id, actor.user_id, actor.session_id))
    telling.loaded(session, actor, chat.id, len(history))
    keep_active(actor, chat.id)
    return {
        "sessionId": str(chat.id),
        "loaded": True,
        "conversationHistory": history,
        "currentSession": str(chat.id),
    }


@blueprint.get("/api/sessions/<chat_id>/history")
@requires(Permission.CHAT_USE, of=queries.chat)
def session_history(actor: Actor, session: Session, chat: Any) -> dict[str, Any]:
    history = _history(session, actor, chat)
    return {"sessionId": str(chat.id), "history": history, "count": len(history)}


@blueprint.delete("/api/sessions/<chat_id>")
@requires(Permission.CHAT_USE, of=queries.chat)
def delete_session(actor: Actor, session: Session, chat: Any) -> dict[str, Any]:
    service.delete_chat(session, actor, chat_id=chat.id)
    telling.deleted(session, actor, chat.id)
    return {"sessionId": str(chat.id), "deleted": True}


def _history(session: Session, actor: Actor, chat: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.id),
            "seq": row.seq,
            "role": row.role,
            "status": row.status,
            "content": row.content,
            "timestamp": rfc3339(row.created_at),
        }
        for row in queries.whole_messages(session, actor, chat.id, limit=MOST)
    ]


def _shown(chat: Any) -> dict[str, Any]:
    return {
        "id": str(chat.id),
        "title": chat.title,
        "preview": chat.preview,
        "createdAt": rfc3339(chat.created_at),
        "lastActivity": rfc3339(chat.last_message_at),
        "messageCount": chat.message_count,
    }
