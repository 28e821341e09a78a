"""Chats over sockets (X2, C3, C4). The sender hears by acknowledgement, the person's other devices by push."""

import json
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.edge.bounds import MESSAGES
from onyx.edge.live import on, push, user_room

from . import queries, turns
from .active import keep_active
from .forms import Joined, Retried, Sent, Stopped, Typed, client_key, known_id
from .outlet import running_text
from .service import Asked
from .shapes import acknowledged, message_shown

MISSED = 1000
# Of one answer, as it is sent. What waits for a slow client is bounded (edge/wires.py), and so is the page's patience.
MISSED_BYTES = 256_000


@on("message:sent", Permission.CHAT_USE, body=Sent, spends=MESSAGES)
def message_sent(actor: Actor, _session: Session, body: Sent) -> dict[str, Any]:
    if body.personaId is not None:
        raise NotFound("There is no such persona.")
    asked = Asked(body.content, known_id(body.sessionId), client_key(body.clientId), known_id(body.parentId))
    return acknowledged(turns.ask(actor, asked, told_as=body.clientId, sender=_sid()))


@on("message:retry", Permission.CHAT_USE, body=Retried, limit="60/minute", spends=MESSAGES)
def message_retry(actor: Actor, _session: Session, body: Retried) -> dict[str, Any]:
    chat_id, message_id = known_id(body.sessionId), known_id(body.messageId)
    assert chat_id is not None and message_id is not None
    return acknowledged(turns.answer_again(actor, chat_id=chat_id, message_id=message_id))


@on("message:stop", Permission.CHAT_USE, body=Stopped)
def message_stop(actor: Actor, _session: Session, body: Stopped) -> dict[str, Any]:
    chat_id = known_id(body.sessionId)
    assert chat_id is not None
    return {"stopped": turns.stop(actor, chat_id=chat_id, message_id=known_id(body.messageId))}


@on("session:join", Permission.CHAT_USE, body=Joined)
def session_join(actor: Actor, session: Session, body: Joined) -> dict[str, Any]:
    """What a device missed: messages after a number, and the running text of replies that are being written.

    Not all at once when that is much, but one message at least: with `hasMore`, the device asks for what comes after.
    """
    chat_id = known_id(body.sessionId)
    assert chat_id is not None
    if queries.chat(session, actor, chat_id) is None:  # one that was set aside is there, with its messages, for nobody
        raise NotFound()
    found = queries.missed_messages(session, actor, chat_id, body.afterSeq, MISSED + 1, MISSED_BYTES)
    keep_active(actor, chat_id)
    messages, replies = _as_many_as_fit(actor, chat_id, found[:MISSED])
    more = bool(found) and found[0].there > len(messages)
    return {"sessionId": str(chat_id), "messages": messages, "replies": replies, "hasMore": more}


def _as_many_as_fit(actor: Actor, chat_id: UUID, found: list[Any]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The first of the messages, with the running text of replies among them, that make one answer."""
    messages: list[dict[str, Any]] = []
    replies: list[dict[str, str]] = []
    size = 0
    for row in found:
        message, pending = message_shown(row, chat_id), row.status == "pending"
        text = running_text(actor.tenant_id, row.id) if pending else ""
        size += len(json.dumps([message, text]))
        if messages and size > MISSED_BYTES:
            break
        messages.append(message)
        replies += [{"messageId": message["id"], "text": text}] if pending else []
    return messages, replies


@on("typing:start", Permission.CHAT_USE, body=Typed)
def typing_start(actor: Actor, _session: Session, body: Typed) -> None:
    _typing(actor, body, True)


@on("typing:stop", Permission.CHAT_USE, body=Typed)
def typing_stop(actor: Actor, _session: Session, body: Typed) -> None:
    _typing(actor, body, False)


def _typing(actor: Actor, body: Typed, typing: bool) -> None:
    assert actor.user_id is not None
    payload = {"sessionId": str(known_id(body.sessionId)), "userId": str(actor.user_id), "typing": typing}
    push(user_room(actor.tenant_id, actor.user_id), "typing", payload, skip=_sid())


def _sid() -> str:
    return request.sid  # type: ignore[attr-defined, no-any-return]
