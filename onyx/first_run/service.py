"""A mail to oneself, and the text of it."""

from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.mail.kinds import Message, Receiver, kind
from onyx.mail.post import post

USE = "test"
_TEXT = """Hello {name},

mail from Onyx ({base}) reaches you: invitations and links for new
passwords will, too.
"""


def send_test_mail(session: Session, actor: Actor) -> None:
    """Leave a mail for the person who asks for it; purpose `admin`."""
    assert actor.user_id is not None
    post(session, actor.user_id, USE)
    record(session, actor, Action.TEST_MAIL_ASKED, target("user", actor.user_id, actor.email))


@kind(USE)
def write(_session: Session, _actor: Actor, to: Receiver, _subject: UUID | None, base: str) -> Message:
    """Says that it arrived."""
    text = _TEXT.format(name=" ".join(to.name.split()), base=base)
    return Message(to.email, "Mail from Onyx works", text)
