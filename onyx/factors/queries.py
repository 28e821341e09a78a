"""One's factors as the settings page shows them (purpose `auth`); never what they are made of."""

from typing import Any

from sqlalchemy.orm import Session

from onyx.access.factor_policy import is_required
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.identity import passkeys, recovery


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


def password_hash(session: Session, actor: Actor) -> str | None:
    found = rows(session, "select password_hash from credential where user_id = %s", actor.user_id)
    return found[0].password_hash if found else None
