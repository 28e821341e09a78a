"""The mail with an invitation's link. The secret is made when the mail is written, and is nowhere else but in the mail.

An invitation of the platform's is nobody's mail: it is taken here, from the row of the invitation.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.identity import invitation_tokens
from onyx.mail.kinds import Message, Receiver, kind

USE = "invitation"
_RENEW = """
update invitation set token_digest = %s where id = %s and expires_at > now() returning email, display_name, expires_at
"""
# Taken before it is sent, as other mail is: if this worker dies, another tries again after the pause.
_TAKE = """
update invitation set token_digest = %s, mail_attempts = mail_attempts + 1,
       mail_due_at = now() + 30 * power(2, mail_attempts) * interval '1 second'
 where id = (select id from invitation where mail_due_at <= now() and expires_at > now()
              order by mail_due_at limit 1 for update skip locked)
returning id, email, display_name, expires_at, mail_attempts
"""
_SETTLE = "update invitation set mail_due_at = null where id = %s"
_NEXT = "select min(mail_due_at) as at from invitation where mail_due_at is not null and expires_at > now()"
_TEXT = """Hello {name},

{inviter} invites you to {place} on Onyx. Open this link to choose a password;
it works once, until {until} (UTC):

{address}

If you expected no invitation, there is nothing to do.
"""


def address(base: str, token: str) -> str:
    """The link; the secret stands behind `#`, so that neither logs nor Referer headers ever hold it."""
    return f"{base.rstrip('/')}/invitation#{token}"


@kind(USE)
def write(session: Session, _actor: Actor, inviter: Receiver, subject: UUID | None, base: str) -> Message | None:
    """The mail is the inviter's; it goes to whom they invited. Tried again, it carries a secret of its own."""
    token = invitation_tokens.make(inviter.tenant_id)
    found = rows(session, _RENEW, invitation_tokens.digest(token), subject)
    return _message(found[0], _line(inviter.name), inviter.tenant_name, address(base, token)) if found else None


def take_the_platforms(session: Session, tenant: UUID, place: str, base: str) -> tuple[Any, Message] | None:
    """The platform's invitation whose turn it is, and its mail; None when none is due. Purpose `job:mail`."""
    token = invitation_tokens.make(tenant)
    found = rows(session, _TAKE, invitation_tokens.digest(token))
    if not found:
        return None
    return found[0], _message(found[0], "The team that runs Onyx", place, address(base, token))


def settle_the_platforms(session: Session, id: UUID) -> None:
    """It was sent, or is tried no longer."""
    session.connection().exec_driver_sql(_SETTLE, (id,))


def platforms_next(session: Session) -> datetime | None:
    """When the next invitation of the platform's is due; None when none waits."""
    at: datetime | None = rows(session, _NEXT)[0].at
    return at


def _message(row: Any, inviter: str, place: str, link: str) -> Message:
    text = _TEXT.format(
        name=_line(row.display_name) or row.email,
        inviter=inviter,
        place=_line(place),
        until=f"{row.expires_at:%Y-%m-%d %H:%M}",
        address=link,
    )
    return Message(row.email, f"Invitation to {_line(place)} on Onyx", text)


def _line(text: str) -> str:
    return " ".join(text.split())
