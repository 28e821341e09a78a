"""Notices: "ask PostgreSQL anew about this session, person or tenant". Rows in onyx.revocation, never secrets."""

from dataclasses import dataclass
from uuid import UUID

from onyx.core.ids import uuid7
from onyx.core.scope import Scope, current_scope

from .walls import control_plane

_ANNOUNCE = "select announce(%s, %s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about `subject` (a session, a user, a tenant) has to be asked anew; kind `stop` stops one answer."""

    id: UUID
    tenant: UUID
    kind: str
    subject: UUID
    reason: str


def announce(scope: Scope, notice: Notice) -> None:
    """Write the notice's row in a transaction of its own, so that every process finds it, whatever happens next."""
    with control_plane(scope) as connection:
        connection.exec_driver_sql(
            _ANNOUNCE,
            (notice.id, notice.kind, notice.subject, notice.reason, notice.tenant),
        )


def forewarn(tenant: UUID, kind: str, subject: UUID, reason: str) -> None:
    """Announce a change that is about to commit.

    If this process dies right after the commit, the others find this row and ask anew; if the change never commits,
    asking anew costs nothing but a look. What happens after the commit is carried by onyx.edge.carriers.
    """
    announce(current_scope(), Notice(uuid7(), tenant, kind, subject, reason))


def forewarn_all(tenant: UUID, kind: str, subjects: list[UUID], reason: str) -> None:
    """forewarn() for many subjects, in one transaction."""
    with control_plane(current_scope()) as connection:
        for subject in subjects:
            connection.exec_driver_sql(_ANNOUNCE, (uuid7(), kind, subject, reason, tenant))
