"""Changes of who reads a project's files."""

from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Conflict, Invalid
from onyx.core.secrets import email_digest

from . import queries

_SHARE = "select share_project(%s, %s) as member"
_UNSHARE = "delete from project_member where user_id = %s and project_id = %s and member_id = %s returning member_id"


def share(session: Session, actor: Actor, project: Any, *, email: str) -> UUID:
    """Let somebody active in the same tenant read a project's files; their id. Once more changes nothing.

    Raises Invalid where nobody else signs in with that address, Conflict when a hundred read already.
    """
    before = {row.id for row in queries.readers(session, project.id)}
    try:
        member: UUID | None = rows(session, _SHARE, project.id, email_digest(email))[0].member
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "ON003":
            raise
        raise Conflict("A project may be read by a hundred people.") from None
    if member is None:
        raise Invalid(fields={"email": "No colleague of yours signs in with this address."})
    if member not in before:
        record(session, actor, Action.PROJECT_SHARED, target("project", project.id), target("user", member))
    return member


def unshare(session: Session, actor: Actor, membership: Any) -> None:
    """End a reading; the owner may, and the one who reads."""
    row = membership
    if rows(session, _UNSHARE, row.user_id, row.project_id, row.member_id):
        record(
            session, actor, Action.PROJECT_UNSHARED, target("project", row.project_id), target("user", row.member_id)
        )
