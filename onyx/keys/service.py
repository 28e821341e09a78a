"""Making and revoking keys."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import rows
from onyx.core.errors import Conflict, Invalid
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope
from onyx.identity import changes, keys, tokens
from onyx.tenancy.walls import control_plane

from . import queries

_ADD = """
insert into api_key (user_id, id, name, permissions, expires_at) values (%s, %s, %s, %s, %s)
returning id, user_id, name, permissions, created_at, expires_at, last_used_at, revoked_at
"""
_ADD_SECRET = "insert into api_key_secret (user_id, id, digest) values (%s, %s, %s)"
_REVOKE = "update api_key set revoked_at = now() where user_id = %s and id = %s"


def create(session: Session, actor: Actor, *, name: str, permissions: list[str], days: int) -> dict[str, Any]:
    """Make a key for the person: its row as data, with the key itself, which is never seen again.

    Raises Invalid for permissions that the person lacks or that no key may have, Conflict for too many keys.
    """
    assert actor.user_id is not None
    wanted = sorted(set(permissions))
    beyond = set(wanted) - set(queries.scopes_for(actor))
    if beyond:
        raise Invalid(
            "A key can do nothing that you cannot.",
            fields={"permissions": f"Not yours to give: {', '.join(sorted(beyond))}."},
        )
    if queries.live_count(session, actor) >= queries.MOST:
        raise Conflict(f"You have {queries.MOST} keys. Revoke one that is not used any more.")
    id, expires_at = uuid7(), now() + timedelta(days=days)
    key = keys.issue(actor.user_id, actor.tenant_id, id, expires_at)
    made = rows(session, _ADD, actor.user_id, id, name.strip() or "Key", wanted, expires_at)[0]
    session.connection().exec_driver_sql(_ADD_SECRET, (actor.user_id, id, tokens.digest(key)))
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select mark_due('keys', %s)", (expires_at,))
    record(
        session,
        actor,
        Action.API_KEY_CREATED,
        target("api_key", id, made.name),
        permissions=wanted,
        expires_at=rfc3339(expires_at),
    )
    return {**queries.shown(made), "key": key}


def revoke(session: Session, actor: Actor, row: Any) -> UUID:
    """End a key at once, on every process; returns the id of the revocation, for the receipt."""
    session.connection().exec_driver_sql(_REVOKE, (row.user_id, row.id))
    record(session, actor, Action.API_KEY_REVOKED, target("api_key", row.id, row.name), target("user", row.user_id))
    return changes.key_revoked(session, actor.tenant_id, row.id, "key_revoked")
