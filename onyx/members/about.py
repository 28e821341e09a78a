"""What administrators may learn of one person: how much is theirs, and what concerns their access; never what for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access import handover
from onyx.access.lifecycle import must_be_removable
from onyx.audit.sentences import sentence
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.db import rows
from onyx.core.errors import OnyxError
from onyx.core.pages import Cursor, cursor_after, cut
from onyx.identity.models import User

_STAYS = "events"
_END = UUID(int=2**128 - 1)


def deletion(session: Session, actor: Actor, user: User) -> dict[str, Any]:
    """What deleting a person would take away, what would stay, and what others would lose and who could receive it.

    `refused` says why it cannot be done, if so.
    """
    found = rows(session, "select * from person_belongings(%s)", user.id)[0]._asdict()
    return {
        "goes": {name: count for name, count in found.items() if name != _STAYS},
        "stays": {_STAYS: found[_STAYS]},
        "others": handover.would_lose(session, actor, user),
        "refused": _refusal(session, actor, user),
    }


def activity(session: Session, user: User, size: int, after: Cursor | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of what concerns somebody's access and account, newest first, as sentences."""
    before: tuple[datetime, UUID] = after or (now(), _END)
    found = rows(session, "select * from person_activity(%s, %s, %s, %s)", user.id, *before, size + 1)
    shown, following = cut(found, size, lambda row: cursor_after(row.at, row.id))
    people = {str(user.id): user.email}
    return [
        {
            "id": row.id, "at": row.at, "action": row.action, "outcome": row.outcome, "reason": row.reason, "ip": row.ip,
            "sentence": sentence(row.action, row.actor, row.targets, people),
        }
        for row in shown
    ], following  # fmt: skip


def _refusal(session: Session, actor: Actor, user: User) -> str | None:
    try:
        must_be_removable(session, actor, user)
    except OnyxError as error:
        return error.message
    return None
