"""Notices: "ask PostgreSQL anew about this session, person or tenant". Rows in onyx.revocation, never secrets."""

from dataclasses import dataclass
from uuid import UUID

from onyx.core.ids import uuid7
from onyx.core.scope import Scope, current_scope

from .walls import control_plane


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about `subject` has to be asked anew: a session, a user, a tenant, or (kind `sessions`) many sessions
    of the tenant that is named; kind `stop` stops one answer.
    """

    id: UUID
    tenant: UUID
    kind: str
    subject: UUID
    reason: str


def announce(scope: Scope, notice: Notice) -> None:
    """Write the notice's row in a transaction of its own, so that every process finds it, whatever happens next."""
    with control_plane(scope) as connection:
        connection.exec_driver_sql(
            "select announce(%s, %s, %s, %s, %s)",
            (notice.id, notice.kind, notice.subject, notice.reason, notice.tenant),
        )


def forewarn(tenant: UUID, kind: str, subject: UUID, reason: str) -> UUID:
    """Announce a change that is about to commit; returns the notice's id, by which its receipt is known.

    If this process dies right after the commit, the others find this row and ask anew; if the change never commits,
    asking anew costs nothing but a look. What happens after the commit is carried by onyx.edge.carriers.
    """
    notice = Notice(uuid7(), tenant, kind, subject, reason)
    announce(current_scope(), notice)
    return notice.id


def committed(notice: UUID, sessions: list[UUID]) -> None:
    """The change that was forewarned of stands; these login sessions of the tenant are over with it."""
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select told(%s)", (notice,))
        if sessions:
            connection.exec_driver_sql("select sessions_closed(%s)", (sessions,))
