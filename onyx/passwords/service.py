"""Asking for a link, and redeeming it."""

from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.ending import end_keys_of
from onyx.access.new_password import set_password
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.errors import LinkOver
from onyx.identity import links
from onyx.mail.post import post


def ask(session: Session, actor: Actor, user: UUID) -> None:
    """Have a link mailed; purpose `auth`."""
    post(session, user, links.USE)
    record(session, actor, Action.RESET_LINK_ASKED, target("user", user, actor.email))


def redeem(session: Session, actor: Actor, digest: bytes, password_hash: str) -> int:
    """Set a new password with a link's token, and end every session and API key of the person; purpose `auth`.

    Returns how many keys. Raises LinkOver when the link ran out, or was used, were it a moment ago.
    """
    assert actor.user_id is not None
    if not links.redeem(session, actor.user_id, digest):
        raise LinkOver()
    record(session, actor, Action.PASSWORD_RESET, target("user", actor.user_id, actor.email), by="link")
    set_password(session, actor, actor.user_id, password_hash)
    return end_keys_of(session, actor, actor.user_id, "password_reset")
