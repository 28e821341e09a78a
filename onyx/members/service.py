"""Every change that an administrator makes to people; each stands in the trail and reaches open sockets in a second."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from onyx.access.ending import end_all_of
from onyx.access.people import add_person, checked_email, checked_roles
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.errors import Conflict
from onyx.core.scope import current_scope
from onyx.core.secrets import email_digest
from onyx.identity import changes
from onyx.identity.models import Credential, User, UserRole
from onyx.identity.passwords import hash_password, new_password
from onyx.tenancy.walls import control_plane

from . import rules
from .queries import email_is_taken


def create(
    session: Session, actor: Actor, *, email: str, display_name: str, roles: list[str], password: str | None
) -> tuple[UUID, str | None]:
    """Create a person; returns the id, and the password when one was made here."""
    made = None if password is not None else new_password()
    id = add_person(session, actor, email=email, name=display_name, roles=roles, password=password or made)
    return id, made


def change_person(session: Session, actor: Actor, user: User, *, email: str | None, display_name: str | None) -> None:
    """Change e-mail and display name. Raises Invalid for a malformed e-mail, Conflict for one that is taken."""
    rules.not_above(actor, user)
    told = []
    if display_name is not None and display_name.strip() and display_name.strip() != user.profile.display_name:
        told.append(change("display_name", user.profile.display_name, display_name.strip()))
        user.profile.display_name = display_name.strip()
    if email is not None and checked_email(email) != user.email:
        told.append(change("email", user.email, checked_email(email)))
        _move_log_in(session, user, checked_email(email))
    if told:
        user.updated_at = now()
        record(session, actor, Action.USER_CHANGED, target("user", user.id, user.email), changes=told)
        changes.person_changed(session, actor.tenant_id, user.id, "profile")


def set_roles(session: Session, actor: Actor, user: User, roles: list[str]) -> None:
    """Give exactly these roles; the person's next request and every open socket obey (I3)."""
    wanted = checked_roles(actor, roles)
    rules.not_above(actor, user)
    rules.not_by_oneself(actor, user, wanted)
    rules.not_out_of_office(actor, user, wanted)
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


def reset_password(session: Session, actor: Actor, user: User) -> str:
    """Set a new random password, shown once, and end the person's sessions; runs for purpose `auth`."""
    rules.not_above(actor, user)
    rules.not_oneself(actor, user)
    made = new_password()
    credential = session.get(Credential, user.id)
    if credential is None:
        credential = Credential(user_id=user.id)
        session.add(credential)
    credential.password_hash, credential.changed_at = hash_password(made), now()
    record(session, actor, Action.PASSWORD_RESET, target("user", user.id, user.email))
    end_all_of(session, actor, user.id, "password_changed")
    return made


def _must_be_removable(session: Session, actor: Actor, user: User) -> None:
    rules.not_oneself(actor, user)
    rules.not_above(actor, user)
    rules.somebody_still_administers(session, actor, user)


def _move_log_in(session: Session, user: User, email: str) -> None:
    """Write the directory's new line before the change commits, and drop the old one after it."""
    digest = email_digest(email)
    if email_is_taken(session, digest):
        raise Conflict("Somebody with this e-mail is here already.")
    outbox.put(session, "directory.left", digest=user.email_digest)
    user.email, user.email_digest = email, digest
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select directory_add(%s)", (digest,))
