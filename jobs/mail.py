"""Mails that wait are written and sent; a server that is away is tried again, five times in all."""

from datetime import timedelta
from typing import Any

import structlog

import onyx.access.invitation_letter
import onyx.first_run.service
import onyx.passwords.letters
import onyx.sessions.blocking  # noqa: F401 - these register what they write
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


@job("mail.send", purpose="job:mail", due="mail")
def send(run: Run) -> Done:
    """Send all that is due in a tenant, one transaction to write and one to settle each."""
    settings = state().settings
    if settings.smtp_url is None or settings.smtp_from is None:
        return Done()
    sent, place = 0, _name(run)
    while True:
        with run.unit_of_work() as session:
            row = queries.take(session)
            if row is None:
                return Done(sent, queries.next_due(session))
            receiver = Receiver(run.tenant, place, row.user_id, row.email, row.display_name)
            writer = KINDS.get(row.kind) if row.status == "active" and row.created_at > now() - _TOO_OLD else None
            message = writer(session, run.actor, receiver, row.subject_id, settings.base_url) if writer else None
            if message is None:
                queries.settle(session, row.user_id, row.id, "dropped")
                record(
                    session, run.actor, Action.MAIL_FAILED, _to(row), outcome="failure", reason="not_wanted_any_more"
                )
                continue
        sent += _hand_over(run, row, message, settings.smtp_url.get_secret_value(), settings.smtp_from)
        run.tell(sent, sent)


def _hand_over(run: Run, row: Any, message: Message, url: str, sender: str) -> int:
    """Send one mail and settle it; returns how many went."""
    reason = None
    try:
        smtp.send(url, sender, message)
    except smtp.NotNow as error:
        _log.warning("mail waits", tenant=str(run.tenant), error=str(error))
        if row.attempts < queries.TRIES:
            return 0
        reason = "server_away"
    except smtp.Undeliverable as error:
        _log.warning("mail refused", tenant=str(run.tenant), error=str(error))
        reason = "refused"
    with run.unit_of_work() as session:
        queries.settle(session, row.user_id, row.id, "failed" if reason else "sent")
        action, outcome = (Action.MAIL_FAILED, "failure") if reason else (Action.MAIL_SENT, "success")
        record(session, run.actor, action, _to(row, message), outcome=outcome, reason=reason, kind=row.kind)
    return 0 if reason else 1


def _to(row: Any, message: Message | None = None) -> dict[str, str]:
    """Whom the mail is for; an invitation goes to somebody who is nobody here yet."""
    to = message.to if message else row.email
    return target("user", row.user_id if to == row.email else None, to)


def _name(run: Run) -> str:
    with control_plane(Scope(run.tenant, "job:mail")) as connection:
        return str(connection.exec_driver_sql("select name from tenant where id = %s", (run.tenant,)).scalar_one())
