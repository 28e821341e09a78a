"""Pictures of people. Which one somebody has stands in their preferences too, so that pages know without asking."""

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows

PREFERENCE = "avatar"


def of(session: Session, user: UUID) -> Any | None:
    """Media type and content; None for somebody without a picture, and for whom one may not see."""
    found = rows(session, "select media_type, content from avatar where user_id = %s", user)
    return found[0] if found else None


def put(session: Session, user: UUID, media_type: str, content: bytes) -> str:
    """Keep a picture in the place of the one before; returns its version, a short digest. Purpose `member`."""
    remove(session, user)
    session.connection().exec_driver_sql(
        "insert into avatar (user_id, media_type, content) values (%s, %s, %s)", (user, media_type, content)
    )
    return hashlib.sha256(content).hexdigest()[:12]


def remove(session: Session, user: UUID) -> bool:
    """Whether there was one."""
    return bool(rows(session, "delete from avatar where user_id = %s returning user_id", user))
