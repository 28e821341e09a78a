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
