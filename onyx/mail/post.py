"""Posting: a row says whom to write to and what about; text and tokens are made when it is sent, and kept nowhere."""

from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core import outbox
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope
from onyx.tenancy.walls import control_plane

from .kinds import KINDS

_POST = "insert into outgoing_mail (user_id, id, kind, subject_id) values (%s, %s, %s, %s)"


def post(session: Session, user: UUID, kind: str, subject: UUID | None = None) -> UUID:
    """Leave a mail of a registered kind for one of the tenant's people; purposes `admin` and `auth`.

    The caller records the event of the change that causes it. Lost queues and workers only delay it.
    """
    if kind not in KINDS:
        raise LookupError(f"nobody writes mails of kind {kind!r}: register it with @kind")
    id = uuid7()
    session.connection().exec_driver_sql(_POST, (user, id, kind, subject))
    call_the_sender(session)
    return id


def call_the_sender(session: Session) -> None:
    """Have the job that sends look at the tenant of the open scope when this transaction has committed."""
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select mark_due('mail', now())")
    outbox.put(session, "mail.waiting")
