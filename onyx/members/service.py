"""Every change that an administrator makes to people; each stands in the trail and reaches open sockets in a second."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access import handover, rules
from onyx.access.ending import end_keys_of
from onyx.access.lifecycle import change_person, must_be_removable, reactivate, remove, set_roles, suspend
from onyx.access.new_password import hashed, made_up, set_password
from onyx.access.people import add_person
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.core.scope import current_scope
from onyx.identity import challenges, changes, factors, links
from onyx.identity.models import User
from onyx.mail.post import post

from . import queries

__all__ = ["change_person", "create", "reactivate", "remove", "reset_password", "set_roles", "suspend"]


def create(
    session: Session, actor: Actor, *, email: str, display_name: str, roles: list[str], password: str | None,
    until: Mapping[str, datetime] | None = None,
) -> tuple[UUID, str | None]:  # fmt: skip
    """Create a person; returns the id, and the password when one was made here."""
    made = None if password is not None else made_up(current_scope())
    id = add_person(session, actor, email=email, name=display_name, roles=roles, password=password or made, until=until)
    return id, made


def prepared_to_receive(session: Session, actor: Actor, user: User, receiver_id: UUID | None) -> tuple[User, UUID]:
    """Whoever should receive what others read of a person, after its files are sealed for them; remove() comes next,
    with the person as they are then. The session's transaction ends, so nothing may have been written in it.

    Raises NotFound for nobody of this tenant, Conflict for who cannot receive, and as remove() does.
    """
    must_be_removable(session, actor, user)
    receiver = handover.must_be_able_to_receive(session, actor, user, receiver_id)
    id = user.id
    session.rollback()  # sealing may take minutes, for which neither a context lasts nor others wait for a lock
    handover.prepare(actor, id, receiver)
    found = queries.person(session, actor, id)
    if found is None:
        raise NotFound()
    return found, receiver


def reset_password(session: Session, actor: Actor, user: User) -> tuple[str, int]:
    """Set a new random password, shown once, and end the person's sessions and API keys; runs for purpose `auth`.

    Returns the password, and how many keys were revoked.
    """
    rules.not_above(actor, user)
    rules.not_a_way_up(session, actor, user)
    rules.not_oneself(actor, user)
    made = made_up(current_scope())
    record(session, actor, Action.PASSWORD_RESET, target("user", user.id, user.email), by="administrator")
    set_password(session, actor, user.id, hashed(current_scope(), made))
    return made, end_keys_of(session, actor, user.id, "password_reset")


def reset_link(session: Session, actor: Actor, user: User, base: str, by_mail: bool) -> dict[str, Any]:
    """Let a person set their own new password: by a mail to them, or by a link that is shown once; purpose `auth`."""
    rules.not_above(actor, user)
    rules.not_oneself(actor, user)
    where = target("user", user.id, user.email)
    if by_mail:
        post(session, user.id, links.USE)
        record(session, actor, Action.RESET_LINK_ASKED, where)
        return {"mailed": True, "link": None, "minutes": links.MINUTES}
    rules.not_a_way_up(session, actor, user)
    token, expires_at = links.make(session, actor.tenant_id, user.id)
    record(session, actor, Action.RESET_LINK_MADE, where, by="administrator")
    return {"mailed": False, "link": links.address(base, token), "minutes": links.MINUTES, "expires_at": expires_at}


def unlock(session: Session, actor: Actor, user: User) -> None:
    """Let somebody try again who met too many failures."""
    rules.not_above(actor, user)
    record(session, actor, Action.SIGN_IN_UNLOCKED, target("user", user.id, user.email))
    outbox.put(session, "account.unlocked", email_digest=user.email_digest, user=user.id)


def remove_factors(session: Session, actor: Actor, user: User) -> int:
    """Take a person's second factors away, who lost them; returns how many there were. Purpose `auth`."""
    rules.not_above(actor, user)
    rules.not_a_way_up(session, actor, user)
    rules.not_oneself(actor, user)
    gone = factors.remove_all(session, user.id)
    if gone:
        record(session, actor, Action.FACTOR_REMOVED, target("user", user.id, user.email), factors=gone)
        challenges.void(session, user.id)
        changes.person_changed(session, actor.tenant_id, user.id, changes.FACTOR)
    return gone
