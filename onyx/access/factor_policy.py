"""Whether an organisation requires a second factor of everybody (I6)."""

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work
from onyx.core.errors import Conflict
from onyx.core.scope import current_scope, tenant_scope
from onyx.tenancy.settings import settings_of


def is_required() -> bool:
    """Whether the tenant of the open scope requires a second factor of everybody."""
    return settings_of(current_scope()).require_mfa


def has_factor(session: Session, actor: Actor) -> bool:
    """Whether the actor has a second factor; purpose `auth`."""
    held = "select 1 from totp where user_id = %s and confirmed_at is not null union all select 1 from passkey where user_id = %s"
    return bool(rows(session, held, actor.user_id, actor.user_id))


def must_have_factor(actor: Actor, wanted: bool) -> None:
    """Raise Conflict for an administrator without a factor who would require one: they would be the first to be stopped."""
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as inside:
        if wanted and not has_factor(inside, actor):
            raise Conflict("Set up a second factor of your own first, in your settings.")
