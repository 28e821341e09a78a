"""Reading invitations."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import cut
from onyx.identity.models import Invitation

_PAGE = """
select i.id, i.email, i.display_name, i.roles, i.created_at, i.expires_at, i.expires_at < now() as over,
       coalesce(u.email, 'the platform') as invited_by
  from invitation i left join app_user u on u.id = i.invited_by
 where %s::uuid is null or i.id < %s
 order by i.id desc limit %s
"""


def page(session: Session, size: int, after: UUID | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of invitations that were not used, newest first."""
    found, following = cut(rows(session, _PAGE, after, after, size + 1), size, lambda row: str(row.id))
    return [shown(row) for row in found], following


def invitation(session: Session, _actor: Actor, invitation_id: UUID) -> Invitation | None:
    """One that was not used (a loader for `requires`)."""
    return session.get(Invitation, invitation_id)


def shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "display_name": row.display_name,
        "roles": row.roles,
        "invited_by": row.invited_by,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "state": "expired" if row.over else "open",
    }
