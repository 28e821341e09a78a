"""The mail with an invitation's link. The secret is made when the mail is written, and is nowhere else but in the mail."""

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
    if not found:
        return None
    row = found[0]
    text = _TEXT.format(
        name=_line(row.display_name) or row.email,
        inviter=_line(inviter.name),
        place=_line(inviter.tenant_name),
        until=f"{row.expires_at:%Y-%m-%d %H:%M}",
        address=address(base, token),
    )
    return Message(row.email, f"Invitation to {_line(inviter.tenant_name)} on Onyx", text)


def _line(text: str) -> str:
    return " ".join(text.split())
