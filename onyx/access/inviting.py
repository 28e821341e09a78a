"""Invitations: a link that makes one account, once, with what the one who invited may still grant (I1, F7, F20)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.db import rows
from onyx.core.errors import Conflict, Denied, Invalid, NotFound
from onyx.core.ids import uuid7
from onyx.core.secrets import email_digest
from onyx.identity import invitation_tokens
from onyx.identity.models import Credential, Invitation, User
from onyx.mail.post import call_the_sender, post

from . import invitation_letter
from .held import permissions_held
from .people import add_person, checked_email, grantable_roles, must_be_of_a_domain
from .policy import Permission, Role
from .quotas import flushed

DAYS = 7
OVER = "This invitation was used, withdrawn, or is too old. Ask whoever invited you for a new one."
_USE = """
delete from invitation where token_digest = %s and expires_at > now()
returning id, email, display_name, roles, invited_by
"""
_LOOK = "select id, email, display_name, expires_at from invitation where token_digest = %s and expires_at > now()"


@dataclass(frozen=True, slots=True)
class Invited:
    """A fresh invitation and its secret, which is never seen again; None where a mail brings it."""

    id: UUID
    email: str
    token: str | None
    expires_at: datetime


def invite(
    session: Session, actor: Actor, by_mail: bool, *, email: str, display_name: str = "", roles: list[str],
    days: int = DAYS,
) -> Invited:  # fmt: skip
    """Invite an e-mail, by a mail or by a secret that the caller shows once; an older invitation of it stops to hold.
    Purpose `admin`.

    Raises Invalid for a malformed e-mail or unknown role, Denied for more than the actor may grant or grant for good,
    Conflict when somebody signs in with it here already, PeopleQuotaReached when there may be no more people.
    """
    if actor.user_id is None:
        raise Denied("Only a person can invite: what the link gives is measured by what they may do.")
    email, wanted = checked_email(email), grantable_roles(session, actor, roles)
    must_be_of_a_domain(email)
    made, token = _written(session, actor, email, display_name, wanted, days)
    if by_mail:
        post(session, actor.user_id, invitation_letter.USE, made.id)
    return Invited(made.id, email, None if by_mail else token, made.expires_at)


def invite_first(
    session: Session, actor: Actor, by_mail: bool, *, email: str, display_name: str = "", days: int = DAYS
) -> Invited:
    """Invite an administrator on the platform's behalf, who has nobody there to do it. Purpose `job:provision`.

    Raises Invalid for a malformed e-mail, Conflict when somebody signs in with it here already.
    """
    email = checked_email(email)
    must_be_of_a_domain(email)
    made, token = _written(session, actor, email, display_name, [Role.ADMIN.value], days, by_mail)
    if by_mail:
        call_the_sender(session)
    return Invited(made.id, made.email, None if by_mail else token, made.expires_at)


def _written(
    session: Session, actor: Actor, email: str, display_name: str, roles: list[str], days: int, mailed: bool = False
) -> tuple[Invitation, str]:
    """The row, its event and its secret. Who is of another tenant than the one invited to is not named in the row, and
    has no mail of their own there: `mailed` says that the invitation itself waits to be sent.
    """
    digest = email_digest(email)
    if rows(session, "select 1 from app_user where email_digest = %s", digest):
        raise Conflict("Somebody with this e-mail is here already.")
    session.execute(delete(Invitation).where((Invitation.email_digest == digest) | (Invitation.expires_at < now())))
    token = invitation_tokens.make(actor.tenant_id)
    made = Invitation(
        id=uuid7(), email=email, email_digest=digest, display_name=display_name.strip(), roles=roles,
        token_digest=invitation_tokens.digest(token), invited_by=actor.user_id, expires_at=now() + timedelta(days=days),
        mail_due_at=now() if mailed else None,
    )  # fmt: skip
    session.add(made)
    flushed(session)
    record(session, actor, Action.INVITATION_CREATED, target("invitation", made.id, email), roles=roles)
    return made, token


def withdraw(session: Session, actor: Actor, invitation: Invitation) -> None:
    """Have an open invitation hold no longer."""
    session.delete(invitation)
    record(session, actor, Action.INVITATION_WITHDRAWN, target("invitation", invitation.id, invitation.email))


def opened(session: Session, token: str) -> Any:
    """What an invitation says, without using it: email, display_name, expires_at. Raises NotFound."""
    found = rows(session, _LOOK, invitation_tokens.digest(token))
    if not found:
        raise _over()
    return found[0]


def redeem(session: Session, guest: Actor, token: str, *, display_name: str, password_hash: str) -> UUID:
    """Make the account that an invitation promises. Purpose `job:provision`; `guest` is whoever holds the link.

    Of many at once one succeeds: the row is gone for all others as soon as this transaction commits. Raises NotFound
    for every link that does not hold, Conflict when the e-mail was taken meanwhile.
    """
    found = rows(session, _USE, invitation_tokens.digest(token))
    if not found:
        raise _over()
    row = found[0]
    _must_still_be_grantable(session, guest, row)
    invited = replace(guest, user_id=row.invited_by, email=row.email, name=row.email, kind="invited")
    record(session, invited, Action.INVITATION_REDEEMED, target("invitation", row.id, row.email))
    name = display_name.strip() or row.display_name
    user = add_person(session, invited, email=row.email, name=name, roles=list(row.roles), password=None)
    session.add(Credential(user_id=user, password_hash=password_hash))
    return user


def _must_still_be_grantable(session: Session, guest: Actor, row: Any) -> None:
    """Raise NotFound unless the one who invited may invite to these roles at this moment, too (F7).

    The platform, which names nobody, invites administrators and nobody else (migrations/tenant/0015).
    """
    if row.invited_by is None:
        if list(row.roles) != [Role.ADMIN.value]:
            raise _over()
        return
    inviter = session.get(User, row.invited_by)
    if inviter is None or inviter.status != "active":
        raise _over()
    permissions = permissions_held(inviter, guest.tenant_slug)
    asking = replace(guest, user_id=inviter.id, permissions=permissions, kind="user")
    try:
        grantable_roles(session, asking, list(row.roles))
    except (Denied, Invalid):
        raise _over() from None
    if Permission.USERS_MANAGE not in permissions:
        raise _over()


def _over() -> NotFound:
    return NotFound(OVER)
