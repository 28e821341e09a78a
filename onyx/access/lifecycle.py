"""What becomes of people: renamed, given other roles, suspended, deleted. Each stands in the trail and reaches open
sockets in a second, whoever asks for it: an administrator, the command line or a directory (I1, I3, I7).
"""

from uuid import UUID

from sqlalchemy import delete
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
from onyx.tenancy.walls import control_plane

from . import rules
from .ending import end_all_of
from .people import checked_email, checked_roles


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
        told.append(change("email", user.email, email))
        _move_log_in(session, user, email)
    if told:
        user.updated_at = now()
        record(session, actor, Action.USER_CHANGED, target("user", user.id, user.email), changes=told)
        changes.person_changed(session, actor.tenant_id, user.id, "profile")


def set_roles(session: Session, actor: Actor, user: User, roles: list[str]) -> None:
    """Give exactly these roles; the person's next request and every open socket obey (I3)."""
    wanted = checked_roles(actor, roles)
    rules.not_above(actor, user)
    rules.not_out_of_office(actor, user, wanted)
    change_roles(session, actor, user, wanted)


def change_roles(session: Session, actor: Actor, user: User, wanted: list[str]) -> None:
    """set_roles() for roles that were checked already; there may be none."""
    rules.not_above(actor, user)
    rules.not_by_oneself(actor, user, wanted)
    if rules.admin_role(actor.tenant_slug) not in wanted:
        rules.somebody_still_administers(session, actor, user)
    held = sorted(row.role for row in user.roles)
    if held == wanted:
        return
    for row in user.roles:
        if row.role not in wanted:
            session.delete(row)
    session.add_all(
        UserRole(user_id=user.id, role=role, granted_by=actor.user_id) for role in wanted if role not in held
    )
    session.flush()  # so that the answer shows the roles as they are now
    session.refresh(user, ["roles"])
    told = [change("roles", held, wanted)]
    record(session, actor, Action.ROLES_CHANGED, target("user", user.id, user.email), changes=told)
    changes.person_changed(session, actor.tenant_id, user.id, "roles_changed")


def suspend(session: Session, actor: Actor, user: User) -> list[UUID]:
    """Suspend a person and end all their login sessions; returns the ids of the revocations."""
    _must_be_removable(session, actor, user)
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


def remove(session: Session, actor: Actor, user: User) -> list[UUID]:
    """Delete a person with all that is theirs; the trail keeps what they did."""
    _must_be_removable(session, actor, user)
    id, email = user.id, user.email
    outbox.put(session, "directory.left", digest=user.email_digest)
    ended = end_all_of(session, actor, id, "revoked_by_admin")
    record(session, actor, Action.USER_DELETED, target("user", id, email))
    session.flush()  # the ended sessions are told before the rows go with their person
    session.execute(delete(User).where(User.id == id))
    return [*ended, changes.person_changed(session, actor.tenant_id, id, "revoked_by_admin")]


def _must_be_removable(session: Session, actor: Actor, user: User) -> None:
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
