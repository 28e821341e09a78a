"""What happens when too many failures close an account's front door: an event, and a word to the person (S7)."""

from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge.gate import anonymous
from onyx.edge.later import later
from onyx.edge.limits import once_within
from onyx.edge.state import state
from onyx.mail.kinds import Message, Receiver, kind
from onyx.mail.post import post

from .sign_in import nobody_of, who_may_be_meant

MAIL = "sign_in_blocked"
_TEXT = """Hello {name},

there were too many wrong passwords or codes for {email} at {place} (Onyx), so
signing in is closed for up to a quarter of an hour.

If it was you: wait a little, or set a new password with "Forgot password".
If it was not you: nobody came in. Tell your administrator if it happens again.
"""


def record_block(email: str, request: Request) -> None:
    """Record, once for each quarter of an hour, that an account is closed, after the answer: its time tells nothing."""
    digest = email_digest(email)
    if once_within(f"onyx:blocked:{digest.hex()}", 1, 900):
        later(partial(_record, digest, email.strip()[:254], request))


def _record(digest: bytes, email: str, request: Request) -> None:
    mail = state().settings.sends_mail and once_within(f"onyx:block-mail:{digest.hex()}", 1, 86_400)
    known = who_may_be_meant(digest, None)
    for tenant, person in known:
        actor = anonymous(tenant.id, tenant.slug, tenant.name, request, None, email)
        with tenant_scope(tenant.id, "auth", person.id), unit_of_work() as session:
            record(session, actor, Action.SIGN_IN_BLOCKED, target("user", person.id, email), outcome="denied")
            if mail and person.status == "active":
                post(session, person.id, MAIL)
    if not known:
        record_alone(nobody_of(request), Action.SIGN_IN_BLOCKED, target("user", None, email), outcome="denied")


@kind(MAIL)
def write(_session: Session, _actor: Actor, to: Receiver, _subject: UUID | None, _base: str) -> Message:
    """A mail that says what happened, with nothing in it to click."""
    text = _TEXT.format(name=" ".join(to.name.split()), email=to.email, place=" ".join(to.tenant_name.split()))
    return Message(to.email, "Signing in to Onyx was closed for a while", text)
