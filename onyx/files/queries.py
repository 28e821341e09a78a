"""Reading a person's own files, and those of projects that colleagues share with them."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from onyx.access.projects import project
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Conflict
from onyx.tenancy.sealed import FILE, unseal

_log = structlog.get_logger()


class Text(NamedTuple):
    """A file's name and content; `shared` when it is somebody else's."""

    id: UUID
    name: str
    content: str
    shared: bool = False


_COLUMNS = "select id, project_id, name, media_type, size, created_at"
_PAGE = f"""
{_COLUMNS} from user_file
 where user_id = %s and (%s::timestamptz is null or (created_at, id) < (%s::timestamptz, %s::uuid))
   and (%s::uuid is null or project_id = %s)
 order by created_at desc, id desc limit %s
"""
_ONE = f"{_COLUMNS}, encode(sha256, 'hex') as sha256 from user_file where user_id = %s and id = %s"
_CONTENT = "select id, name, content, sealed from user_file where user_id = %s and id = %s"
_SHARED_PAGE = f"{_COLUMNS} from shared_files(%s, %s, %s, %s)"
_SHARED = f"{_COLUMNS}, encode(sha256, 'hex') as sha256 from shared_file(%s)"
_SHARED_CONTENT = "select owner_id, id, name, content, sealed from shared_file(%s)"


def page_of_files(
    session: Session, actor: Actor, limit: int, after: tuple[datetime, UUID] | None, project_id: UUID | None
) -> list[Any]:
    """Up to `limit` files, newest first, after a cursor, of one project if given: an own one, or one that is shared."""
    moment, id = after or (None, None)
    if project_id is not None and project(session, actor, project_id) is None:
        return rows(session, _SHARED_PAGE, project_id, moment, id, limit)
    return rows(session, _PAGE, actor.user_id, moment, moment, id, project_id, project_id, limit)


def file(session: Session, actor: Actor, file_id: UUID) -> Any | None:
    """One of the person's own files (a loader for `requires`)."""
    found = rows(session, _ONE, actor.user_id, file_id)
    return found[0] if found else None


def readable(session: Session, actor: Actor, file_id: UUID) -> Any | None:
    """An own file, or one of a project that is shared with the person (a loader for `requires`)."""
    found = rows(session, _ONE, actor.user_id, file_id) or rows(session, _SHARED, file_id)
    return found[0] if found else None


def text(session: Session, actor: Actor, file_id: UUID) -> Text | None:
    """Name and content of a file that is readable() (a loader for `requires`)."""
    own = rows(session, _CONTENT, actor.user_id, file_id)
    if own:
        return Text(own[0].id, own[0].name, opened(actor, own[0], actor.user_id))
    shared = rows(session, _SHARED_CONTENT, file_id)
    if shared:
        return Text(shared[0].id, shared[0].name, opened(actor, shared[0], shared[0].owner_id), shared=True)
    return None


def opened(actor: Actor, row: Any, owner: UUID | None) -> str:
    """The content of a file's row (`id`, `content`, `sealed`), which its owner's key opens; what older versions stored
    lies there in the clear.

    Raises Conflict when it does not open: its key is lost, or it was changed.
    """
    if row.sealed is None:
        return str(row.content)
    try:
        return unseal(FILE, bytes(row.sealed), row.id.bytes, tenant=actor.tenant_id, user=owner).decode()
    except ValueError as error:
        _log.error("a file does not open", file=str(row.id), tenant=str(actor.tenant_id), error=str(error))
        raise Conflict("This file cannot be opened any more. Delete it and upload it again.") from None
