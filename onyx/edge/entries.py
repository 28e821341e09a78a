"""What Redis holds for the gate, and how it is made to forget: entries of sessions and people, the gates of tenants.

An entry is a copy that may be lost; what stands against it (onyx.edge.ended, a tombstone) outlives it.
"""

from uuid import UUID

from onyx.core.db import rows, unit_of_work
from onyx.core.scope import tenant_scope
from onyx.identity.changes import FACTOR_POLICY, ROLE, SESSION_POLICY, SETTINGS
from onyx.tenancy.notices import Notice

from . import ended
from .judging import status_of
from .state import state
from .store import Away, key

ENTRY_SECONDS = 86_400
TOMBSTONE_SECONDS = 60
DEAD = b"-"


def obey(notice: Notice) -> None:
    """Make Redis forget what a notice speaks of; every process does so, and it costs nothing to do it twice.

    Where Redis cannot be told, a new generation makes all that it holds unbelievable.
    """
    state().brief.forget()
    try:
        if notice.kind in ("session", "sessions"):
            ended.obey(notice)
        elif notice.kind == "user":
            forget_person(notice.tenant, notice.subject)
        elif notice.kind == "tenant":
            close_gate(notice.tenant, status_of(notice.tenant))
            if notice.reason in (FACTOR_POLICY, ROLE, SESSION_POLICY, SETTINGS):
                forget_everybody(notice.tenant)
    except Away:
        state().bus.new_generation()


def outdate_session(tenant: UUID, digest: bytes) -> None:
    """Have PostgreSQL, which knows the ten seconds of grace, judge a rotated token from now on. Raises Away."""
    store = state().store
    store.call(store.client.set, key(tenant, "auth", "session", digest.hex()), DEAD, ex=TOMBSTONE_SECONDS)


def outdate_surely(tenant: UUID, digest: bytes) -> None:
    """The same where Redis is away: a new generation makes the entry unbelievable."""
    try:
        outdate_session(tenant, digest)
    except Away:
        state().bus.new_generation()


def forget_person(tenant: UUID, user: UUID) -> None:
    """Have the person's roles and profile read anew from PostgreSQL. Raises Away."""
    store = state().store
    store.call(store.client.set, key(tenant, "user", user), DEAD, ex=5)


def forget_everybody(tenant: UUID) -> None:
    """Have every person of a tenant read anew: what is asked of all of them has changed. Raises Away."""
    with tenant_scope(tenant, "auth"), unit_of_work() as session:
        people = [row.id for row in rows(session, "select id from app_user")]
    forget_people(tenant, people)


def forget_people(tenant: UUID, users: list[UUID]) -> None:
    """forget_person() for many, in one round trip for each thousand. Raises Away."""
    store = state().store
    for first in range(0, len(users), 1000):
        pipe = store.client.pipeline(transaction=False)
        for user in users[first : first + 1000]:
            pipe.set(key(tenant, "user", user), DEAD, ex=5)
        store.call(pipe.execute)


def forget_chats(tenant: UUID, user: UUID, chats: list[UUID]) -> None:
    """Take chats that are gone out of the cache of those that somebody has open. Raises Away."""
    store = state().store
    pipe = store.client.pipeline(transaction=False)
    pipe.delete(*(key(tenant, "session", chat) for chat in chats))
    pipe.zrem(key(tenant, "chats", user), *map(str, chats))
    store.call(pipe.execute)


def close_gate(tenant: UUID, status: str | None) -> None:
    """Make every request of a tenant that is not active ask PostgreSQL for the tenant's state. Raises Away.

    The mark of a tenant that is deleted goes by itself, after all that it could stand against.
    """
    store = state().store
    if status == "active":
        store.call(store.client.delete, key(tenant, "gate"))
    else:
        store.call(store.client.set, key(tenant, "gate"), b"closed", ex=ended.ENDED_SECONDS if status is None else None)
