"""Reading chats and messages, one statement each. Pages come as text, ready for answers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import only_rows, rows
from onyx.core.wire import Fixed

MOST_CHATS = 201  # on a page, and one more that tells whether another page follows

# Ids, times and JSON as PostgreSQL's own text: onyx.chat.answering puts them into answers as they are.
_CHAT_COLUMNS = (
    "c.id::text, c.title, c.preview, c.message_count, c.project_id::text, c.created_at::text, c.updated_at::text,"
    " c.last_message_at::text"
)
_MESSAGE_COLUMNS = (
    "m.id::text, m.seq, m.role, m.status, m.content, m.parent_id::text, m.token_count, m.metadata::text,"
    " m.created_at::text"
)
# `%` stands doubled: these statements go through psycopg as they are, with %s for values.
# The inner limit, the most that anybody may ask for, lets PostgreSQL keep the plan: with the outer one alone it
# expects a tenth of all chats and plans anew each time.
_NEWEST = Fixed(f"""
select * from (
    select {_CHAT_COLUMNS} from chat_session c
     where c.user_id = %s order by c.last_message_at desc, c.id desc limit {MOST_CHATS}
) newest limit %s
""")
_OLDER = Fixed(f"""
select {_CHAT_COLUMNS} from chat_session c
 where c.user_id = %s and (%s::timestamptz is null or (c.last_message_at, c.id) < (%s::timestamptz, %s::uuid))
   and (%s::text is null or strpos(lower(c.title), lower(%s)) > 0)
 order by c.last_message_at desc, c.id desc limit %s
""")
_CHAT = Fixed("""
select id, title, preview, message_count, project_id, last_seq, created_at, updated_at, last_message_at
  from chat_session where user_id = %s and id = %s
""")
_PAGE = Fixed(f"""
select {_MESSAGE_COLUMNS} from chat_message m
 where m.user_id = %s and m.chat_session_id = %s order by m.seq limit %s offset %s
""")
_AFTER = Fixed(f"""
select {_MESSAGE_COLUMNS} from chat_message m
 where m.user_id = %s and m.chat_session_id = %s and m.seq > %s order by m.seq limit %s
""")
_BEFORE = Fixed(f"""
select {_MESSAGE_COLUMNS} from chat_message m
 where m.user_id = %s and m.chat_session_id = %s and m.seq < %s order by m.seq desc limit %s
""")
_WHOLE_COLUMNS = "id, seq, role, status, content, parent_id, client_id, token_count, metadata, created_at"
_WHOLE = Fixed(f"""
select {_WHOLE_COLUMNS} from chat_message
 where user_id = %s and chat_session_id = %s and seq > %s order by seq limit %s
""")
# Each message that begins within so many bytes of text, with how many there are of the next ones at all.
_MISSED = Fixed(f"""
select {_WHOLE_COLUMNS}, there from (
    select m.*, count(*) over () as there,
           sum(octet_length(content)) over (order by seq rows unbounded preceding) - octet_length(content) as before
      from (select {_WHOLE_COLUMNS} from chat_message
             where user_id = %s and chat_session_id = %s and seq > %s order by seq limit %s) m
) counted where before < %s order by seq
""")
_MESSAGE = Fixed("""
select id, seq, role, status, content, parent_id, metadata, created_at from chat_message
 where user_id = %s and chat_session_id = %s and id = %s
""")
_PENDING = Fixed("""
select id, seq from chat_message
 where user_id = %s and chat_session_id = %s and status = 'pending' and (%s::uuid is null or id = %s) order by seq
""")
_SENT_BEFORE = Fixed("""
select q.id, q.seq, q.created_at, r.id as reply_id, r.seq as reply_seq from chat_message q
  left join lateral (
       select m.id, m.seq from chat_message m
        where m.user_id = q.user_id and m.chat_session_id = q.chat_session_id and m.parent_id = q.id
          and m.role = 'assistant' order by m.seq limit 1) r on true
 where q.user_id = %s and q.chat_session_id = %s and q.client_id = %s
   and exists (select from chat_session c where c.user_id = q.user_id and c.id = q.chat_session_id)
""")


def page_of_chats(
    session: Session, actor: Actor, limit: int, after: tuple[datetime, UUID] | None, title: str | None
) -> list[Any]:
    """Up to `limit` chats, newest first, after a cursor, whose title holds some text. Read in a transaction of its own."""
    if after is None and not title:
        return only_rows(session, _NEWEST, actor.user_id, limit)
    moment, id = after or (None, None)
    return only_rows(session, _OLDER, actor.user_id, moment, moment, id, title, title, limit)


def chat(session: Session, actor: Actor, chat_id: UUID) -> Any | None:
    """One of the person's own chats (a loader for `requires`)."""
    found = rows(session, _CHAT, actor.user_id, chat_id)
    return found[0] if found else None


def page_of_messages(session: Session, actor: Actor, chat_id: UUID, limit: int, offset: int) -> list[Any]:
    """Messages by offset, as in the seed, oldest first."""
    return rows(session, _PAGE, actor.user_id, chat_id, limit, offset)


def messages_after(session: Session, actor: Actor, chat_id: UUID, seq: int, limit: int) -> list[Any]:
    """Messages with a higher number, oldest first."""
    return rows(session, _AFTER, actor.user_id, chat_id, seq, limit)


def messages_before(session: Session, actor: Actor, chat_id: UUID, seq: int, limit: int) -> list[Any]:
    """The latest messages with a lower number, newest first."""
    return rows(session, _BEFORE, actor.user_id, chat_id, seq, limit)


def whole_messages(
    session: Session, actor: Actor, chat_id: UUID, after_seq: int = 0, limit: int = 100_000
) -> list[Any]:
    """Messages with all their columns, oldest first."""
    return rows(session, _WHOLE, actor.user_id, chat_id, after_seq, limit)


def missed_messages(
    session: Session, actor: Actor, chat_id: UUID, after_seq: int, limit: int, most_bytes: int
) -> list[Any]:
    """The same, up to `limit`, as far as they begin within `most_bytes` of text; `there` is how many there are up to
    `limit`, however long.
    """
    return rows(session, _MISSED, actor.user_id, chat_id, after_seq, limit, most_bytes)


def message(session: Session, actor: Actor, chat_id: UUID, message_id: UUID) -> Any | None:
    """One message of one of the person's own chats."""
    found = rows(session, _MESSAGE, actor.user_id, chat_id, message_id)
    return found[0] if found else None


def pending(session: Session, actor: Actor, chat_id: UUID, message_id: UUID | None) -> list[Any]:
    """The replies of a chat that are still being written, or the one that is named."""
    return rows(session, _PENDING, actor.user_id, chat_id, message_id, message_id)


def sent_before(session: Session, actor: Actor, chat_id: UUID, client_id: UUID) -> Any | None:
    """The question that carries a client's id, with its first reply."""
    found = rows(session, _SENT_BEFORE, actor.user_id, chat_id, client_id)
    return found[0] if found else None
