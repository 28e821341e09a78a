"""Reading a person's own files."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Conflict
from onyx.tenancy.sealed import FILE, unseal

_log = structlog.get_logger()


class Text(NamedTuple):
    """A file's name and content."""

    name: str
    content: str


_COLUMNS = "select id, project_id, name, media_type, size, created_at"
_PAGE = f"""
{_COLUMNS} from user_file
 where user_id = %s and (%s::timestamptz is null or (created_at, id) < (%s::timestamptz, %s::uuid))
   and (%s::uuid is null or project_id = %s)
 order by created_at desc, id desc limit %s
"""
_ONE = f"{_COLUMNS}, encode(sha256, 'hex') as sha256 from user_file where user_id = %s and id = %s"
_CONTENT = "select id, name, content, sealed from user_file where user_id = %s and id = %s"


def page_of_files(
    session: Session, actor: Actor, limit: int, after: tuple[datetime, UUID] | None, project_id: UUID | None
) -> list[Any]:
    """Up to `limit` files, newest first, after a cursor, of one project if given."""
    moment, id = after or (None, None)
    return rows(session, _PAGE, actor.user_id, moment, moment, id, project_id, project_id, limit)


def file(session: Session, actor: Actor, file_id: UUID) -> Any | None:
    """One of the person's own files (a loader for `requires`)."""
    found = rows(session, _ONE, actor.user_id, file_id)
    return found[0] if found else None


def text(session: Session, actor: Actor, file_id: UUID) -> Text | None:
    """Name and content of one of the person's own files (a loader for `requires`)."""
    found = rows(session, _CONTENT, actor.user_id, file_id)
    return Text(found[0].name, opened(actor, found[0])) if found else None


def opened(actor: Actor, row: Any) -> str:
    """The content of a file's row (`id`, `content`, `sealed`); what older versions stored lies there in the clear.

    Raises Conflict when it does not open: its key is lost, or it was changed.
    """
    if row.sealed is None:
        return str(row.content)
    try:
        return unseal(FILE, bytes(row.sealed), row.id.bytes, tenant=actor.tenant_id, user=actor.user_id).decode()
    except ValueError as error:
        _log.error("a file does not open", file=str(row.id), tenant=str(actor.tenant_id), error=str(error))
        raise Conflict("This file cannot be opened any more. Delete it and upload it again.") from None
