"""A reply as server-sent events: while this process writes it, or afterwards, from Redis and its row."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from flask import Flask

from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope

from . import queries
from .outlet import running_text
from .service import Stored

KEEP_ALIVE = 15.0
_EVERY = 0.15


def event(name: str, data: dict[str, Any]) -> str:
    """One server-sent event (WHATWG HTML, section 9.2)."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def opening(stored: Stored) -> str:
    """The first two events of a turn: which chat, which messages."""
    chat = {"session_id": str(stored.chat_id), "created": stored.created_chat, "title": stored.title}
    message = {
        "session_id": str(stored.chat_id),
        "message_id": str(stored.message_id),
        "reply_id": str(stored.reply_id),
        "seq": stored.seq,
        "created_at": rfc3339(stored.created_at),
    }
    return event("session", chat) + event("message", message)


def written_here(stored: Stored, pieces: "SimpleQueue[tuple[str, dict[str, Any] | None]]") -> Iterator[str]:
    """Events of a reply that this process writes; the reply goes on when the client has left."""
    yield opening(stored)
    while True:
        try:
            found = [pieces.get(timeout=KEEP_ALIVE)]
        except Empty:
            yield ": still here\n\n"
            continue
        with suppress(Empty):
            while True:
                found.append(pieces.get_nowait())  # what lies there already goes in one write
        if told := "".join(event(name, data) for name, data in found if data is not None):
            yield told
        if found[-1][1] is None:
            return


def written_before(app: Flask, actor: Actor, stored: Stored, seconds: float) -> Iterator[str]:
    """Server-sent events of a reply to a question that was sent before: what there is, then what comes."""
    yield opening(stored)
    for name, data in followed(app, actor, stored, seconds):
        yield event(name, data)


def followed(app: Flask, actor: Actor, stored: Stored, seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """`delta` for what a reply has and gets, in whatever process it is written, then `done`."""
    told = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with app.app_context():
            row = _row(actor, stored.chat_id, stored.reply_id)
            running = row is not None and row.status == "pending"
            text = running_text(actor.tenant_id, stored.reply_id) if running else (row.content if row else "")
        if len(text) > told:
            yield "delta", {"message_id": str(stored.reply_id), "offset": told, "text": text[told:]}
            told = len(text)
        if not running:
            yield "done", _done(stored, row)
            return
        time.sleep(_EVERY)


def _row(actor: Actor, chat_id: UUID, reply_id: UUID) -> Any | None:
    with tenant_scope(actor.tenant_id, "member", actor.user_id, actor.session_id), unit_of_work() as session:
        return queries.message(session, actor, chat_id, reply_id)


def _done(stored: Stored, row: Any | None) -> dict[str, Any]:
    return {
        "message_id": str(stored.reply_id),
        "session_id": str(stored.chat_id),
        "seq": stored.reply_seq,
        "status": row.status if row else "deleted",
        "content": row.content if row else "",
        "metadata": row.metadata if row else {},
    }
