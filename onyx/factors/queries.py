"""One's factors as the settings page shows them (purpose `auth`); never what they are made of."""

from typing import Any

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.scope import current_scope
from onyx.identity import passkeys, recovery
from onyx.tenancy.walls import control_plane


def mine(session: Session, actor: Actor) -> dict[str, Any]:
    assert actor.user_id is not None
    found = rows(
        session, "select confirmed_at from totp where user_id = %s and confirmed_at is not null", actor.user_id
    )
    return {
        "totp": {"since": found[0].confirmed_at} if found else None,
        "passkeys": [
            {"id": row.id, "name": row.name, "created_at": row.created_at, "last_used_at": row.last_used_at}
            for row in passkeys.of(session, actor.user_id)
        ],
        "recovery_codes": recovery.left(session, actor.user_id),
        "required": is_required(),
        "must_enrol": actor.must_enrol,
    }


def is_required() -> bool:
    """Whether the tenant of the open scope requires a second factor of everybody."""
    scope = current_scope()
    with control_plane(scope) as connection:
        settings = connection.exec_driver_sql("select settings from tenant where id = %s", (scope.tenant,)).scalar_one()
    return settings.get("require_mfa") is True


def password_hash(session: Session, actor: Actor) -> str | None:
    found = rows(session, "select password_hash from credential where user_id = %s", actor.user_id)
    return found[0].password_hash if found else None


def has_factor(session: Session, actor: Actor) -> bool:
    held = "select 1 from totp where user_id = %s and confirmed_at is not null union all select 1 from passkey where user_id = %s"
    return bool(rows(session, held, actor.user_id, actor.user_id))
