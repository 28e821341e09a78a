"""Changes of chats and messages: rows and their event together. Every statement filters by the person as well."""

from contextlib import suppress
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
from onyx.core.db import only_rows, rows, rows_later, unit_of_work, violated
from onyx.core.errors import Conflict, NotFound
from onyx.core.ids import uuid7
from onyx.core.wire import Fixed

from . import queries

_CREATE = Fixed("""
insert into chat_session (user_id, id, project_id, title) values (%s, %s, %s, %s)
returning id, title, preview, message_count, project_id, last_seq, created_at, updated_at, last_message_at
""")
_CHANGE = Fixed("""
update chat_session set title = %s, project_id = %s, updated_at = now() where user_id = %s and id = %s
returning id, title, preview, message_count, project_id, last_seq, created_at, updated_at, last_message_at
""")
_DELETE = Fixed("delete from chat_session where user_id = %s and id = %s returning id")
_LATEST = """(select l.id from chat_message l where l.user_id = chat.user_id and l.chat_session_id = chat.id
               order by l.seq desc limit 1)"""
# The question and its pending reply take their numbers here, both with one change of the chat's row, whose lock makes
# numbers dense; whatever else inserts a message gets its number from the table's trigger.
_MESSAGE_COLUMNS = (
    "user_id, id, chat_session_id, seq, author_id, parent_id, role, status, content, token_count, client_id"
)
# count_message(): what a tenant's daily quota is held against when Redis does not know, counted for each person.
_BEGIN = Fixed(f"""
with chat as (
    insert into chat_session (user_id, id, project_id, title, preview, message_count, last_seq)
    values (%s, %s, %s, %s, left(%s, 120), 2, 2)
), pair as (
    insert into chat_message ({_MESSAGE_COLUMNS})
    values (%s, %s, %s, 1, %s, null, 'user', 'done', %s, %s, %s),
           (%s, %s, %s, 2, null, %s, 'assistant', 'pending', '', 0, null)
)
select now() as created_at, count_message()
""")
_GO_ON = Fixed(f"""
with chat as (
    update chat_session c
       set last_seq = c.last_seq + 2, message_count = c.message_count + 2, last_message_at = statement_timestamp(),
           updated_at = statement_timestamp(), title = coalesce(c.title, %s),
           preview = coalesce(nullif(left(%s, 120), ''), c.preview)
     where c.user_id = %s and c.id = %s
    returning c.user_id, c.id, c.last_seq
), pair as (
    insert into chat_message ({_MESSAGE_COLUMNS})
    select chat.user_id, %s::uuid, chat.id, chat.last_seq - 1, chat.user_id, coalesce(%s::uuid, {_LATEST}),
           'user', 'done', %s, %s::integer, %s::uuid from chat
    union all
    select chat.user_id, %s::uuid, chat.id, chat.last_seq, null, %s::uuid, 'assistant', 'pending', '', 0, null from chat
)
select last_seq as seq, now() as created_at, count_message() from chat
""")
_REPLY = Fixed("""
insert into chat_message (user_id, id, chat_session_id, parent_id, role, status, content)
values (%s, %s, %s, %s, 'assistant', 'pending', '') returning seq, created_at, count_message()
""")
_HOLD = Fixed("select 1 from chat_session where user_id = %s and id = %s for update")
_RUNNING = Fixed("""
select id, seq, created_at from chat_message
 where user_id = %s and chat_session_id = %s and parent_id = %s and status = 'pending' limit 1
""")
_FINISH = Fixed("""
update chat_message set content = %s, status = %s, token_count = %s, metadata = %s::jsonb, updated_at = now()
 where user_id = %s and id = %s and status = 'pending' returning seq, chat_session_id, parent_id, created_at
""")
# What the second of two equal messages breaks: its client id, or the chat that the first one began.
_SENT_TWICE = ("chat_message_once", "chat_session_pk", "chat_message_dense")


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


def rename_chat(session: Session, actor: Actor, chat: Any, *, title: str) -> Any:
    """Give a chat another title; its row as it is then."""
    if title == chat.title:
        return chat
    return _changed(session, actor, chat, Action.CHAT_RENAMED, "title", title, chat.project_id)


def move_chat(session: Session, actor: Actor, chat: Any, *, project_id: UUID | None) -> Any:
    """Put a chat into another of the person's own projects, or out of any. Raises NotFound for a project not their own."""
    must_be_own(session, actor, project_id)
    if project_id == chat.project_id:
        return chat
    return _changed(session, actor, chat, Action.CHAT_MOVED, "project_id", chat.title, project_id)


def _changed(
    session: Session, actor: Actor, chat: Any, action: Action, what: str, title: str | None, project_id: UUID | None
) -> Any:
    """Write title and project, and record the one of them that differs."""
    found = rows(session, _CHANGE, title, project_id, actor.user_id, chat.id)
    if not found:
        raise NotFound()
    old, new = getattr(chat, what), getattr(found[0], what)
    told = change(what, old and str(old), new and str(new))
    record(session, actor, action, target("chat", chat.id), changes=[told])
    return found[0]


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
        store = _begin if asked.chat_id is None else _go_on
        return store(actor, chat_id, asked)
    except IntegrityError as error:
        broken = violated(error)
        if asked.client_id is None or broken not in _SENT_TWICE:
            raise
    with unit_of_work() as session:
        return _sent_before(session, actor, chat_id, asked.client_id)


def found_again(actor: Actor, asked: Asked) -> Stored | None:
    """What send() stored earlier under the same `client_id`; None when there is nothing."""
    if asked.client_id is None:
        return None
    with unit_of_work() as session, suppress(Conflict):
        return _sent_before(session, actor, asked.chat_id or _chat_of(actor, asked.client_id), asked.client_id)
    return None


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

    Committed when this returns, where nothing else has begun in the unit of work.
    Derived, not audited: the answer belongs to the sent message, whose event stands in the trail.
    """
    found = only_rows(session, _FINISH, content, status, tokens, metadata, user_id, reply_id)
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


def _begin(actor: Actor, chat_id: UUID, asked: Asked) -> Stored:
    """A new chat together with its first question: rows, events and COMMIT in one round trip."""
    user, title, question, reply = actor.user_id, title_of(asked.content), uuid7(), uuid7()
    with unit_of_work() as session:
        project_id = must_be_own(session, actor, asked.project_id)
        if asked.project_name is not None:
            project_id = create_project(session, actor, name=asked.project_name).id
        if asked.parent_id is not None:
            raise NotFound()
        stored = rows_later(
            session, _BEGIN,
            user, chat_id, project_id, title, asked.content,
            user, question, chat_id, user, asked.content, estimated_tokens(asked.content), asked.client_id,
            user, reply, chat_id, question,
        )  # fmt: skip
        record(session, actor, Action.CHAT_CREATED, target("chat", chat_id))
        record(session, actor, Action.MESSAGE_SENT, target("chat", chat_id), target("message", question))
    created_at = stored.rows[0].created_at
    return Stored(chat_id, question, 1, created_at, reply, 2, title=title, created_chat=True)


def _go_on(actor: Actor, chat_id: UUID, asked: Asked) -> Stored:
    """The next question of a chat."""
    question, reply = uuid7(), uuid7()
    with unit_of_work() as session:
        if asked.parent_id is not None and queries.message(session, actor, chat_id, asked.parent_id) is None:
            raise NotFound()
        stored = rows(
            session, _GO_ON,
            title_of(asked.content), asked.content, actor.user_id, chat_id,
            question, asked.parent_id, asked.content, estimated_tokens(asked.content), asked.client_id,
            reply, question,
        )  # fmt: skip
        if not stored:
            raise NotFound()
        record(session, actor, Action.MESSAGE_SENT, target("chat", chat_id), target("message", question))
    seq = stored[0].seq
    return Stored(chat_id, question, seq - 1, stored[0].created_at, reply, seq)


def _sent_before(session: Session, actor: Actor, chat_id: UUID, client_id: UUID) -> Stored:
    row = queries.sent_before(session, actor, chat_id, client_id)
    if row is None or row.reply_id is None:
        raise Conflict("A message with this id is being stored or was removed. Send it under a new id.")
    return Stored(chat_id, row.id, row.seq, row.created_at, row.reply_id, row.reply_seq, again=True)
