"""Whether an organisation requires a second factor of everybody (I6)."""

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import change, target
from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work
from onyx.core.errors import Conflict
from onyx.core.scope import current_scope, tenant_scope
from onyx.identity import changes
from onyx.tenancy.settings import settings_of
from onyx.tenancy.walls import control_plane

from .telling import told_first


def is_required() -> bool:
    """Whether the tenant of the open scope requires a second factor of everybody."""
    return settings_of(current_scope()).require_mfa


def has_factor(session: Session, actor: Actor) -> bool:
    """Whether the actor has a second factor; purpose `auth`."""
    held = "select 1 from totp where user_id = %s and confirmed_at is not null union all select 1 from passkey where user_id = %s"
    return bool(rows(session, held, actor.user_id, actor.user_id))


def require_factor(session: Session, actor: Actor, wanted: bool) -> None:
    """Ask a second factor of everybody in the tenant, or no longer (purpose `admin`); in force within a second.

    Raises Conflict for an administrator without one, who would be the first to be stopped.
    """
    before = is_required()
    if before == wanted:
        return
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as inside:
        if wanted and not has_factor(inside, actor):
            raise Conflict("Set up a second factor of your own first, in your settings.")
    changes.tenant_changed(session, actor.tenant_id, changes.FACTOR_POLICY)
    where = target("tenant", actor.tenant_id, actor.tenant_name)
    told = [change("require_factor", before, wanted)]
    with told_first(actor, Action.SIGN_IN_POLICY_CHANGED, where, changes=told):
        with control_plane(current_scope()) as connection:
            connection.exec_driver_sql("select require_factor(%s)", (wanted,))
