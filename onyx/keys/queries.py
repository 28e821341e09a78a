"""Reading keys: one's own, and all of a tenant for those who watch over them. Never the digest."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.policy import NEVER_BY_KEY, Permission
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import Cursor, cursor_of, cut

MOST = 50
_COLUMNS = "k.id, k.user_id, k.name, k.permissions, k.created_at, k.expires_at, k.last_used_at, k.revoked_at"
_OWN = f"select {_COLUMNS} from api_key k where k.user_id = %s order by k.id desc limit 200"
_ONE = f"select {_COLUMNS} from api_key k where k.user_id = %s and k.id = %s and k.revoked_at is null"
_ANY = f"select {_COLUMNS} from api_key k where k.id = %s and k.revoked_at is null"
_ALL = f"""
select {_COLUMNS}, u.email, p.display_name
  from api_key k left join app_user u on u.id = k.user_id left join profile p on p.user_id = k.user_id
 where k.revoked_at is null and (%s::timestamptz is null or (k.created_at, k.id) < (%s, %s))
 order by k.created_at desc, k.id desc limit %s
"""
_NAMES = ("id", "user_id", "name", "permissions", "created_at", "expires_at", "last_used_at", "revoked_at")
_COUNT = "select count(*) from api_key where user_id = %s and revoked_at is null and expires_at > now()"


def own(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """The person's keys, newest first, the revoked ones too."""
    return [shown(row) for row in rows(session, _OWN, actor.user_id)]


def own_key(session: Session, actor: Actor, key_id: UUID) -> Any | None:
    """One of the person's own keys that is not revoked (a loader for `requires`)."""
    found = rows(session, _ONE, actor.user_id, key_id)
    return found[0] if found else None


def tenant_key(session: Session, _actor: Actor, key_id: UUID) -> Any | None:
    """A key of anybody in the tenant that is not revoked (a loader for `requires`)."""
    found = rows(session, _ANY, key_id)
    return found[0] if found else None


def everybodys(session: Session, size: int, after: Cursor | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the tenant's keys that are not revoked, newest first, each with its person."""
    at, id = after or (None, None)
    found, following = cut(rows(session, _ALL, at, at, id, size + 1), size, cursor_of)
    return [{**shown(row), "email": row.email, "display_name": row.display_name} for row in found], following


def live_count(session: Session, actor: Actor) -> int:
    return int(rows(session, _COUNT, actor.user_id)[0][0])


def shown(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _NAMES}


def scopes_for(actor: Actor) -> list[str]:
    """What the person may put into a key."""
    return sorted(p.value for p in Permission if p not in NEVER_BY_KEY and actor.may(p))
