"""Login sessions that have ended: marked in Redis, so that PostgreSQL judges whoever still presents their tokens.

A notice of kind `sessions` names the tenant only. What it speaks of is asked of PostgreSQL: once for what Redis holds,
by whoever comes first, and once in each process for the sessions whose sockets and streams it serves (S5).
"""

import time
from uuid import UUID

from onyx.access.ended import ended_lately
from onyx.tenancy.notices import Notice

from .state import state
from .store import key

ENDED_SECONDS = 86_400 + 3_600  # a mark must outlive every entry that it stands against (entries.ENTRY_SECONDS)
_LONGEST = 60  # how long before its notice an ending may have been written


def obey(notice: Notice) -> None:
    """Mark the login sessions that a notice speaks of, unless somebody has done so. Raises Away."""
    store = state().store
    if notice.kind == "session":
        _mark(notice.tenant, [notice.subject])
    elif not store.call(store.client.exists, _done(notice.tenant, notice.id)):
        age = time.time() - (notice.id.int >> 80) / 1000  # RFC 9562, section 5.7: the time in milliseconds
        _mark(notice.tenant, ended_lately(notice.tenant, int(age) + _LONGEST))


def mark_many(tenant: UUID, notice: UUID, sessions: list[UUID]) -> None:
    """Mark the sessions of a notice, and that nobody else has to. Raises Away."""
    store = state().store
    _mark(tenant, sessions)
    store.call(store.client.set, _done(tenant, notice), b"1", ex=3600)


def _mark(tenant: UUID, sessions: list[UUID]) -> None:
    """For as long as an entry of theirs can live; one round trip for each thousand."""
    store = state().store
    for first in range(0, len(sessions), 1000):
        pipe = store.client.pipeline(transaction=False)
        for session in sessions[first : first + 1000]:
            pipe.set(key(tenant, "ended", session), b"1", ex=ENDED_SECONDS)
        store.call(pipe.execute)


def _done(tenant: UUID, notice: UUID) -> str:
    return key(tenant, "marked", notice)
