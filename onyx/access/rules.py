"""What nobody may do to people: rise above themselves, lock themselves out, or leave a tenant without an admin (I2)."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from onyx.access.held import live, permissions_held
from onyx.access.lasting import FOREVER, NEVER, Ends, Grant, grants_of, held_until, must_not_outlast
from onyx.access.policy import HELD_APART, KEEPS_ADMIN, PLATFORM_SLUG, Role, permissions_of
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Conflict, Denied
from onyx.identity.models import User

_IS_ADMIN = """
select 1 from app_user u join user_role r on r.user_id = u.id
 where r.role = %s and r.expires_at is null and u.status = 'active' and u.id = %s
"""
_OTHER_ADMINS = """
select 1 from app_user u join user_role r on r.user_id = u.id
 where r.role = %s and r.expires_at is null and u.status = 'active' and u.id <> %s limit 1
"""


def admin_role(tenant_slug: str) -> str:
    """The role of which one active holder must remain."""
    return (Role.PLATFORM_ADMIN if tenant_slug == PLATFORM_SLUG else Role.ADMIN).value


def not_above(actor: Actor, user: User) -> None:
    """Raise Denied when the person may do more than the actor: else a new password would be a way up."""
    if not actor.for_a_person:
        return
    theirs = permissions_held(user, actor.tenant_slug)
    if theirs - actor.permissions - HELD_APART:
        raise Denied("This person may do more than you; ask somebody with the same rights.")


def held_apart(actor: Actor, user: User) -> frozenset[str]:
    """What somebody may do that is held apart from administration."""
    return permissions_held(user, actor.tenant_slug) & HELD_APART


def not_a_way_up(session: Session, actor: Actor, user: User) -> None:
    """Raise Denied where the person's way in (password, factors, address) would give the actor what they lack, or for
    longer than they hold it: who administers for a time would stay as somebody who does for good.
    """
    not_held_apart(actor, user)
    if actor.for_a_person:
        theirs = grants_of(session, user.id, actor.tenant_slug)
        must_not_outlast(actor, held_until(session, actor), theirs)


def not_held_apart(actor: Actor, user: User) -> None:
    """Raise Denied where the actor would come by what is held apart from them: an auditor's password, factors, address.

    Whoever could set those would read the trail in the auditor's name (decision 0005).
    """
    if actor.for_a_person and held_apart(actor, user) - _own(actor):
        raise Denied(
            "An auditor's way in is the auditor's own: have a link mailed to them, or ask who runs this installation."
        )


def not_oneself(actor: Actor, user: User) -> None:
    """Raise Conflict for what would lock the actor out at once."""
    if user.id == actor.user_id:
        raise Conflict("You cannot do this to yourself; ask another administrator.")


def not_out_of_office(actor: Actor, user: User) -> None:
    """Raise Conflict when the actor, by what `user` holds from now on, has taken their own right to administer."""
    kept = KEEPS_ADMIN & _own(actor)
    if user.id == actor.user_id and not permissions_held(user, actor.tenant_slug) >= kept:
        raise Conflict("You cannot take administration from yourself; ask another administrator.")


def not_by_oneself(actor: Actor, user: User) -> None:
    """Raise Denied for a right that the actor, by what `user` holds from now on, gave to themselves: what is held
    apart must come from another.
    """
    if user.id == actor.user_id and permissions_held(user, actor.tenant_slug) - _own(actor):
        raise Denied("You cannot give yourself what you may not do; ask another administrator.")


def ends_now(user: User) -> Ends:
    """When each grant of somebody ends that counts at this moment."""
    return {one.role: one.expires_at for one in user.roles if live(one)}


def grants_beyond(user: User, tenant_slug: str, before: Ends) -> list[Grant]:
    """Those of somebody's grants that are new, or end later than they did `before`."""
    return [
        (permissions_of((one.role,), tenant_slug, one.custom.permissions if one.custom else ()), one.expires_at)
        for one in user.roles
        if live(one) and (one.expires_at or FOREVER) > (before.get(one.role, NEVER) or FOREVER)
    ]


def _own(actor: Actor) -> frozenset[str]:
    """What the person may do who acts, also where they act through an API key that may do less."""
    return actor.permissions if actor.ceiling is None else actor.ceiling


def somebody_still_administers(session: Session, actor: Actor, user: User) -> None:
    """Raise Conflict when the person is the last active administrator whose office does not end by itself.

    Takes the tenant's lock first, so that two administrators who remove each other at the same moment cannot both
    succeed: the second looks only after the first has committed, also at the person, who was read before.
    """
    role = admin_role(actor.tenant_slug)
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(current_schema(), 7))"))
    if rows(session, _IS_ADMIN, role, user.id) and not rows(session, _OTHER_ADMINS, role, user.id):
        raise Conflict("This is the last administrator. Appoint another one first.")
