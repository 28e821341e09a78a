"""Rows that could leak: each person's chat, message, project, file and passage, marked with a canary of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.db import rows
from onyx.core.ids import uuid7

_STATEMENTS = (
    "insert into project (user_id, id, name) values (%(user)s, %(project)s, %(mark)s)",
    "insert into chat_session (user_id, id, project_id, title) values (%(user)s, %(chat)s, %(project)s, %(mark)s)",
    "insert into chat_message (user_id, id, chat_session_id, role, content)"
    " values (%(user)s, %(message)s, %(chat)s, 'user', 'hello ' || %(mark)s)",
    "insert into user_file (user_id, id, name, media_type, size, sha256, content)"
    " values (%(user)s, %(file)s, %(mark)s, 'text/plain', 5, '\\x00', 'hello ' || %(mark)s)",
    "insert into file_passage (user_id, file_id, ordinal, content) values (%(user)s, %(file)s, 1, 'hello ' || %(mark)s)",
)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a person has: ids of one row of each kind, and the canary that stands in all of them."""

    user: UUID
    project: UUID
    chat: UUID
    message: UUID
    file: UUID
    canary: str


def belongings(name: str, actor: Any, session_of: Callable[..., AbstractContextManager[Session]]) -> Belongings:
    """Give a person one chat with one message, a project and a file, all with their canary in it."""
    made = Belongings(actor.user_id, uuid7(), uuid7(), uuid7(), uuid7(), f"canary-{name}-{os.urandom(4).hex()}")
    values = {
        "user": made.user, "project": made.project, "chat": made.chat, "message": made.message, "file": made.file,
        "mark": made.canary,
    }  # fmt: skip
    with session_of(name) as session:
        for statement in _STATEMENTS:
            session.connection().exec_driver_sql(statement, values)
        record(session, actor, Action.CHAT_CREATED, target("chat", made.chat))
    return made


def titles(session: Session) -> list[str]:
    """The titles of all chats that a session can see."""
    return [row.title for row in rows(session, "select title from chat_session order by title")]
