"""Mails that wait are written and sent; a server that is away is tried again, five times in all."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

import onyx.first_run.service
import onyx.passwords.letters
import onyx.sessions.blocking  # noqa: F401 - these register what they write
from onyx.access import invitation_letter
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.clock import now
from onyx.core.scope import Scope
from onyx.edge.state import state
from onyx.mail import queries, smtp
from onyx.mail.kinds import KINDS, Message, Receiver
from onyx.tenancy.walls import control_plane

from .runner import Done, Run, job

# Mail that waited so long for a server to be set up says nothing any more.
_TOO_OLD = timedelta(days=1)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is ready to be sent, how often it was tried, and how it is settled: "sent" or "failed"."""

    message: Message
    to: dict[str, str]
    kind: str
    attempts: int
    settle: Callable[[Session, str], None]


@job("mail.send", purpose="job:mail", due="mail")
def send(run: Run) -> Done:
    """Send all that is due in a tenant, one transaction to write and one to settle each."""
    settings = state().settings
    if settings.smtp_url is None or settings.smtp_from is None:
        return Done()
    sent, place = 0, _name(run)
    for write in (_from_people, _from_the_platform):
        while True:
            with run.unit_of_work() as session:
                letter = write(session, run, place, settings.base_url)
            if letter is None:
                break
            sent += _hand_over(run, letter, settings.smtp_url.get_secret_value(), settings.smtp_from)
            run.tell(sent, sent)
    with run.unit_of_work() as session:
        waiting = (queries.next_due(session), invitation_letter.platforms_next(session))
    return Done(sent, min((at for at in waiting if at is not None), default=None))


def _from_people(session: Session, run: Run, place: str, base: str) -> _Letter | None:
    """The next mail of a person's, written; what is not wanted any more is dropped."""
    while (row := queries.take(session)) is not None:
        receiver = Receiver(run.tenant, place, row.user_id, row.email, row.display_name)
        writer = KINDS.get(row.kind) if row.status == "active" and row.created_at > now() - _TOO_OLD else None
        message = writer(session, run.actor, receiver, row.subject_id, base) if writer else None
        if message is not None:
            settle = partial(_settle, row.user_id, row.id)
            # An invitation goes to somebody who is nobody here yet.
            to = target("user", row.user_id if message.to == row.email else None, message.to)
            return _Letter(message, to, row.kind, row.attempts, settle)
        queries.settle(session, row.user_id, row.id, "dropped")
        unwanted = target("user", row.user_id, row.email)
        record(session, run.actor, Action.MAIL_FAILED, unwanted, outcome="failure", reason="not_wanted_any_more")
    return None


def _from_the_platform(session: Session, run: Run, place: str, base: str) -> _Letter | None:
    """The next invitation of an administrator by the platform, written."""
    taken = invitation_letter.take_the_platforms(session, run.tenant, place, base)
    if taken is None:
        return None
    row, message = taken
    settle = partial(_settle_invitation, row.id)
    return _Letter(message, target("user", None, row.email), invitation_letter.USE, row.mail_attempts, settle)


def _settle(user: UUID, id: UUID, session: Session, state: str) -> None:
    queries.settle(session, user, id, state)


def _settle_invitation(id: UUID, session: Session, _state: str) -> None:
    invitation_letter.settle_the_platforms(session, id)


def _hand_over(run: Run, letter: _Letter, url: str, sender: str) -> int:
    """Send one mail and settle it; returns how many went."""
    reason = None
    try:
        smtp.send(url, sender, letter.message)
    except smtp.NotNow as error:
        _log.warning("mail waits", tenant=str(run.tenant), error=str(error))
        if letter.attempts < queries.TRIES:
            return 0
        reason = "server_away"
    except smtp.Undeliverable as error:
        _log.warning("mail refused", tenant=str(run.tenant), error=str(error))
        reason = "refused"
    with run.unit_of_work() as session:
        letter.settle(session, "failed" if reason else "sent")
        action, outcome = (Action.MAIL_FAILED, "failure") if reason else (Action.MAIL_SENT, "success")
        record(session, run.actor, action, letter.to, outcome=outcome, reason=reason, kind=letter.kind)
    return 0 if reason else 1


def _name(run: Run) -> str:
    with control_plane(Scope(run.tenant, "job:mail")) as connection:
        return str(connection.exec_driver_sql("select name from tenant where id = %s", (run.tenant,)).scalar_one())
