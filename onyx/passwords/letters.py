"""The mail with the link. The token is made here, when the mail is written, and is nowhere else but in the mail."""

from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.identity import links
from onyx.mail.kinds import Message, Receiver, kind

_TEXT = """Hello {name},

somebody asked to set a new password for {email} at {place} (Onyx).
If it was you, open this link within {minutes} minutes; it works once:

{address}

Setting it signs you out everywhere and revokes your API keys: programs that use
them need new ones.

If it was not you, there is nothing to do: your password stays as it is, and only
this mail could change it.
"""


@kind(links.USE)
def write(session: Session, actor: Actor, to: Receiver, _subject: UUID | None, base: str) -> Message:
    """A mail with a new link; earlier links stay good until one of them is used."""
    token, _ = links.make(session, to.tenant_id, to.user_id)
    record(session, actor, Action.RESET_LINK_MADE, target("user", to.user_id, to.email), by="mail")
    text = _TEXT.format(
        name=_line(to.name),
        email=to.email,
        place=_line(to.tenant_name),
        minutes=links.MINUTES,
        address=links.address(base, token),
    )
    return Message(to.email, "Set a new password for Onyx", text)


def _line(text: str) -> str:
    return " ".join(text.split())
