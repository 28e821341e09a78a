"""Reading a person's own projects."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows

_PAGE = """
select id, name, created_at from project
 where user_id = %s and (%s::timestamptz is null or (created_at, id) < (%s::timestamptz, %s::uuid))
 order by created_at desc, id desc limit %s
"""


def page_of_projects(session: Session, actor: Actor, limit: int, after: tuple[datetime, UUID] | None) -> list[Any]:
    """Up to `limit` projects, newest first, after a cursor."""
    moment, id = after or (None, None)
    return rows(session, _PAGE, actor.user_id, moment, moment, id, limit)


def readers(session: Session, project_id: UUID) -> list[Any]:
    """Who reads one of the asker's own projects: id, name, added_at."""
    return rows(session, "select id, name, added_at from project_readers(%s)", project_id)


def shared_projects(session: Session) -> list[Any]:
    """Projects of others whose files the asker may read."""
    return rows(session, "select id, name, owner_id, owner_name, created_at from shared_projects()")


def membership(session: Session, actor: Actor, project_id: UUID, member_id: UUID) -> Any | None:
    """Somebody's reading of a project, seen by its owner and by themselves (a loader for `requires`)."""
    found = rows(session, _MEMBERSHIP, project_id, member_id, actor.user_id, actor.user_id)
    return found[0] if found else None


_MEMBERSHIP = """
select user_id, project_id, member_id from project_member
 where project_id = %s and member_id = %s and (user_id = %s or member_id = %s)
"""
