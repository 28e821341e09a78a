"""Changes of chats and messages: rows and their event together. Every statement filters by the person as well."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onyx.access.projects import create_project, must_be_own
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work, violated
from onyx.core.errors import Conflict, NotFound
from onyx.core.ids import uuid7

from . import queries

_CREATE = """
insert into chat_session (user_id, id, project_id, title) values (%s, %s, %s, %s)
returning id, title, preview, message_count, project_id, last_seq, created_at, updated_at, last_message_at
"""
_CHANGE = """
update chat_session set title = %s, project_id = %s, updated_at = now() where user_id = %s and id = %s
returning id, title, preview, message_count, project_id, last_seq, created_at, updated_at, last_message_at
"""
_DELETE = "delete from chat_session where user_id = %s and id = %s returning id"
_LATEST = """(select l.id from chat_message l where l.user_id = %s and l.chat_session_id = %s
               order by l.seq desc limit 1)"""
_QUESTION_AND_REPLY = f"""
insert into chat_message
    (user_id, id, chat_session_id, author_id, parent_id, role, status, content, token_count, client_id)
values (%s, %s, %s, %s, coalesce(%s::uuid, {_LATEST}), 'user', 'done', %s, %s, %s),
       (%s, %s, %s, null, %s, 'assistant', 'pending', '', 0, null)
returning seq, created_at
"""
_REPLY = """
insert into chat_message (user_id, id, chat_session_id, parent_id, role, status, content)
values (%s, %s, %s, %s, 'assistant', 'pending', '') returning seq, created_at
"""
_HOLD = "select 1 from chat_session where user_id = %s and id = %s for update"
_RUNNING = """
select id, seq, created_at from chat_message
 where user_id = %s and chat_session_id = %s and parent_id = %s and status = 'pending' limit 1
"""
_FINISH = """
update chat_message set content = %s, status = %s, token_count = %s, metadata = %s::jsonb, updated_at = now()
 where user_id = %s and id = %s and status = 'pending' returning seq, chat_session_id, parent_id, created_at
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks: without `chat_id` a chat is made, in a project if one is named; see send()."""

    content: str
    chat_id: UUID | None = None
    client_id: UUID | None = None
    parent_id: UUID | None = None
    project_id: UUID | None = None
    project_name: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A question and its pending reply, as they stand in the database; `again` when they stood there before."""

    chat_id: UUID
    message_id: UUID
    seq: int
    created_at: datetime
    reply_id: UUID
    reply_seq: int
    again: bool = False
    title: str | None = None
    created_chat: bool = False


def create_chat(
    session: Session, actor: Actor, *, title: str | None = None, project_id: UUID | None = None, id: UUID | None = None
) -> Any:
    """A new, empty chat. Raises NotFound for a project that is not the person's own."""
    must_be_own(session, actor, project_id)
    made = rows(session, _CREATE, actor.user_id, id or uuid7(), project_id, title)[0]
    record(session, actor, Action.CHAT_CREATED, target("chat", made.id))
    return made


def change_chat(session: Session, actor: Actor, chat: Any, *, title: str | None, project_id: UUID | None) -> Any:
    """Rename a chat or move it into another project; what is None stays."""
    must_be_own(session, actor, project_id)
    told = []
    if title is not None and title != chat.title:
        told.append(change("title", chat.title, title))
    if project_id is not None and project_id != chat.project_id:
        told.append(change("project_id", chat.project_id and str(chat.project_id), str(project_id)))
    if not told:
        return chat
    changed = rows(session, _CHANGE, title or chat.title, project_id or chat.project_id, actor.user_id, chat.id)
    if not changed:
        raise NotFound()
    record(session, actor, Action.CHAT_RENAMED, target("chat", chat.id), changes=told)
    return changed[0]


def delete_chat(session: Session, actor: Actor, *, chat_id: UUID) -> None:
    """Delete a chat with its messages. Raises NotFound for one that is not the person's own."""
    if not rows(session, _DELETE, actor.user_id, chat_id):
        raise NotFound()
    record(session, actor, Action.CHAT_DELETED, target("chat", chat_id))


def send(actor: Actor, asked: Asked) -> Stored:
    """Store a question and its pending reply, committed when this returns; runs in the person's member scope.

    Sending the same `client_id` again, even at the same moment, finds what the first one stored. Without `chat_id` a
    chat is made. Raises NotFound for a chat, parent or project that is not the person's own.
    """
    chat_id = asked.chat_id or _chat_of(actor, asked.client_id)
    try:
        with unit_of_work() as session:
            title = _begin_chat(session, actor, chat_id, asked) if asked.chat_id is None else None
            return _store(session, actor, chat_id, asked, title)
    except IntegrityError as error:
        broken = violated(error)
        if broken == "chat_message_session":
            raise NotFound() from None
        if asked.client_id is None or broken not in ("chat_message_once", "chat_session_pk"):
            raise
    with unit_of_work() as session:
        return _sent_before(session, actor, chat_id, asked.client_id)


def retry(session: Session, actor: Actor, *, chat_id: UUID, message_id: UUID) -> Stored:
    """A new pending reply to the question of an earlier reply; one that is already being written is used again."""
    if not rows(session, _HOLD, actor.user_id, chat_id):
        raise NotFound()
    earlier = queries.message(session, actor, chat_id, message_id)
    if earlier is None:
        raise NotFound()
    question_id = earlier.id if earlier.role == "user" else earlier.parent_id
    question = question_id and queries.message(session, actor, chat_id, question_id)
    if not question or question.role != "user":
        raise Conflict("There is no question to answer again.")
    running = rows(session, _RUNNING, actor.user_id, chat_id, question.id)
    if running:
        return Stored(chat_id, question.id, question.seq, question.created_at, running[0].id, running[0].seq, True)
    id = uuid7()
    made = rows(session, _REPLY, actor.user_id, id, chat_id, question.id)[0]
    record(session, actor, Action.REPLY_RETRIED, target("chat", chat_id), target("message", id))
    return Stored(chat_id, question.id, question.seq, question.created_at, id, made.seq)


def finish_reply(
    session: Session, user_id: UUID, *, reply_id: UUID, content: str, status: str, tokens: int, metadata: str
) -> Any | None:
    """Settle a pending reply, once; None when something else settled it before. `metadata` is JSON text.

    Derived, not audited: the answer belongs to the sent message, whose event stands in the trail.
    """
    found = rows(session, _FINISH, content, status, tokens, metadata, user_id, reply_id)
    return found[0] if found else None


def title_of(content: str) -> str:
    """A chat's first title: the beginning of its first question (the trigger of the table does the same)."""
    return " ".join(content.split())[:60]


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its characters."""
    return (len(text) + 3) // 4


def _chat_of(actor: Actor, client_id: UUID | None) -> UUID:
    """The id of a chat that a message begins: derived from the message's own, so that sending again finds it."""
    if client_id is None:
        return uuid7()
    assert actor.user_id is not None
    return uuid5(client_id, f"chat of {actor.user_id}")


def _begin_chat(session: Session, actor: Actor, id: UUID, asked: Asked) -> str:
    title, project_id = title_of(asked.content), asked.project_id
    if asked.project_name is not None:
        project_id = create_project(session, actor, name=asked.project_name).id
    create_chat(session, actor, title=title, project_id=project_id, id=id)
    return title


def _store(session: Session, actor: Actor, chat_id: UUID, asked: Asked, title: str | None) -> Stored:
    if asked.parent_id is not None and queries.message(session, actor, chat_id, asked.parent_id) is None:
        raise NotFound()
    user, question, reply = actor.user_id, uuid7(), uuid7()
    tokens = estimated_tokens(asked.content)
    stored, answered = rows(
        session, _QUESTION_AND_REPLY,
        user, question, chat_id, user, asked.parent_id, user, chat_id, asked.content, tokens, asked.client_id,
        user, reply, chat_id, question,
    )  # fmt: skip
    record(session, actor, Action.MESSAGE_SENT, target("chat", chat_id), target("message", question))
    made = title is not None
    return Stored(chat_id, question, stored.seq, stored.created_at, reply, answered.seq, title=title, created_chat=made)


def _sent_before(session: Session, actor: Actor, chat_id: UUID, client_id: UUID) -> Stored:
    row = queries.sent_before(session, actor, chat_id, client_id)
    if row is None or row.reply_id is None:
        raise Conflict("A message with this id is being stored or was removed. Send it under a new id.")
    return Stored(chat_id, row.id, row.seq, row.created_at, row.reply_id, row.reply_seq, again=True)
