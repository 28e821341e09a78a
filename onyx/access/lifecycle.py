"""What becomes of people: renamed, given other roles, suspended, deleted. Each stands in the trail and reaches open
sockets in a second, whoever asks for it: an administrator, the command line or a directory (I1, I3, I7).
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.db import rows
from onyx.core.errors import Conflict
from onyx.core.scope import current_scope
from onyx.core.secrets import email_digest
from onyx.identity import changes
from onyx.identity.models import User, UserRole
from onyx.tenancy import erasure
from onyx.tenancy.walls import control_plane

from . import handover, lasting, rules
from .ending import end_all_of
from .held import roles_held
from .held import until as ends_of
from .people import checked_email, checked_roles, must_be_of_a_domain
from .session_policy import MEANWHILE


def change_person(session: Session, actor: Actor, user: User, *, email: str | None, display_name: str | None) -> None:
    """Change e-mail and display name. Raises Invalid for a malformed e-mail, Conflict for one that is taken."""
    rename(session, actor, user, email=checked_email(email) if email is not None else None, display_name=display_name)


def rename(session: Session, actor: Actor, user: User, *, email: str | None, display_name: str | None) -> None:
    """change_person() for an address that was checked already. Somebody else's is refused, never taken over (F5)."""
    rules.not_above(actor, user)
    told = []
    if display_name is not None and display_name.strip() and display_name.strip() != user.profile.display_name:
        told.append(change("display_name", user.profile.display_name, display_name.strip()))
        user.profile.display_name = display_name.strip()
    if email is not None and email != user.email:
        rules.not_a_way_up(session, actor, user)
        must_be_of_a_domain(email)
        told.append(change("email", user.email, email))
        _move_log_in(session, user, email)
    if told:
        user.updated_at = now()
        record(session, actor, Action.USER_CHANGED, target("user", user.id, user.email), changes=told)
        changes.person_changed(session, actor.tenant_id, user.id, "profile")


def set_roles(
    session: Session, actor: Actor, user: User, roles: list[str], until: Mapping[str, datetime] | None = None
) -> None:
    """Give exactly these roles; the person's next request and every open socket obey (I3).

    `until` says when some of them end; without it, roles that are held already keep their end.
    """
    wanted = checked_roles(session, actor, roles)
    change_roles(session, actor, user, _ends(user, wanted, until))
    rules.not_out_of_office(actor, user)


def change_roles(session: Session, actor: Actor, user: User, ends: Mapping[str, datetime | None]) -> None:
    """set_roles() for roles that were checked already, each with the moment at which it ends; there may be none."""
    rules.not_above(actor, user)
    admin = rules.admin_role(actor.tenant_slug)
    if admin not in ends or ends[admin]:
        rules.somebody_still_administers(session, actor, user)
    before, after = lasting.told(roles_held(user), ends_of(user)), lasting.told(sorted(ends), ends)
    if before == after:
        return
    apart, held = rules.held_apart(actor, user), rules.ends_now(user)
    may_give = lasting.may_give_until(session, actor)  # before the change, which may be one of the actor's own roles
    _write_roles(session, actor, user, ends)
    try:
        session.flush()  # so that the answer, and the rules, see the roles as they are now
    except IntegrityError:  # a role was deleted, or the same one given, at this moment
        raise Conflict(MEANWHILE) from None
    session.refresh(user, ["roles"])
    rules.not_by_oneself(actor, user)
    lasting.must_not_outlast(actor, may_give, rules.grants_beyond(user, actor.tenant_slug, held))
    lasting.mark_ends(ends)
    told = [change("roles", before, after)]
    record(session, actor, Action.ROLES_CHANGED, target("user", user.id, user.email), changes=told)
    if rules.held_apart(actor, user) - apart:
        record(session, actor, Action.AUDITOR_APPOINTED, target("user", user.id, user.email))
    changes.person_changed(session, actor.tenant_id, user.id, "roles_changed")


def _ends(user: User, wanted: list[str], given: Mapping[str, datetime] | None) -> dict[str, datetime | None]:
    """When each of the wanted roles ends; raises Invalid for a moment that is over or names no wanted role."""
    kept = ends_of(user) if given is None else lasting.checked_ends(wanted, given)
    return {role: kept.get(role) for role in wanted}


def _write_roles(session: Session, actor: Actor, user: User, ends: Mapping[str, datetime | None]) -> None:
    there = {row.role: row for row in user.roles}
    for row in user.roles:
        if row.role not in ends:
            session.delete(row)
    for role, at in ends.items():
        if role not in there:
            session.add(UserRole(user_id=user.id, role=role, granted_by=actor.user_id, expires_at=at))
        elif there[role].expires_at != at:
            there[role].granted_by, there[role].granted_at, there[role].expires_at = actor.user_id, now(), at


def suspend(session: Session, actor: Actor, user: User) -> list[UUID]:
    """Suspend a person and end all their login sessions; returns the ids of the revocations."""
    must_be_removable(session, actor, user)
    if user.status == "suspended":
        return []
    user.status, user.updated_at = "suspended", now()
    record(session, actor, Action.USER_SUSPENDED, target("user", user.id, user.email))
    ended = end_all_of(session, actor, user.id, "suspended")
    return [*ended, changes.person_changed(session, actor.tenant_id, user.id, "suspended")]


def reactivate(session: Session, actor: Actor, user: User) -> None:
    """Let a suspended person sign in again."""
    rules.not_above(actor, user)
    if user.status == "active":
        return
    user.status, user.updated_at = "active", now()
    record(session, actor, Action.USER_REACTIVATED, target("user", user.id, user.email))
    changes.person_changed(session, actor.tenant_id, user.id, "reactivated")


def remove(session: Session, actor: Actor, user: User, transfer_to: UUID | None = None) -> list[UUID]:
    """Delete a person with all that is theirs; the trail keeps what they did.

    `transfer_to` receives the projects that others read, whose files handover.prepare() has sealed for them.
    """
    must_be_removable(session, actor, user)
    if transfer_to is not None:
        handover.transfer(session, actor, user, transfer_to)
    record(session, actor, Action.USER_DELETED, target("user", user.id, user.email))
    return _erase(session, actor, user, "revoked_by_admin")


def erase_oneself(session: Session, actor: Actor, user: User) -> list[UUID]:
    """remove() for the person themself: purpose `admin`, though it is their own account that they may end.

    Raises Conflict for the last administrator.
    """
    rules.somebody_still_administers(session, actor, user)
    record(session, actor, Action.USER_ERASED, target("user", user.id, user.email))
    return _erase(session, actor, user, "erased")


def _erase(session: Session, actor: Actor, user: User, reason: str) -> list[UUID]:
    """All rows go with the person's own; after the commit their key is destroyed and a certificate made (C11)."""
    id = user.id
    session.execute(select(User.id).where(User.id == id).with_for_update())  # as whoever signs in does, before sessions
    erasure.begin(actor.tenant_id, id)
    outbox.put(session, "person.erased", tenant=actor.tenant_id, user=id)
    outbox.put(session, "directory.left", digest=user.email_digest)
    ended = end_all_of(session, actor, id, reason)
    session.flush()  # the ended sessions are told before the rows go with their person
    session.execute(delete(User).where(User.id == id))
    return [*ended, changes.person_changed(session, actor.tenant_id, id, reason)]


def must_be_removable(session: Session, actor: Actor, user: User) -> None:
    """Raise Conflict for oneself and the last administrator, Denied for somebody who may do more."""
    rules.not_oneself(actor, user)
    rules.not_above(actor, user)
    rules.somebody_still_administers(session, actor, user)


def _move_log_in(session: Session, user: User, email: str) -> None:
    """Write the directory's new line before the change commits, and drop the old one after it."""
    digest = email_digest(email)
    if _is_taken(session, digest):
        raise Conflict("Somebody with this e-mail is here already.")
    outbox.put(session, "directory.left", digest=user.email_digest)
    user.email, user.email_digest = email, digest
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select directory_add(%s)", (digest,))


def _is_taken(session: Session, digest: bytes) -> bool:
    return bool(rows(session, "select 1 from app_user where email_digest = %s", digest))
