"""Asking for a job: the wish is in the trail first, the queue gets it after the commit."""

from functools import cache
from uuid import UUID

import redis
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.errors import Conflict, Unavailable
from onyx.edge import queue
from onyx.edge.state import state
from onyx.edge.store import Away

from .table import Entry


def place_of(actor: Actor) -> UUID | None:
    """Whose runs the actor sees and starts: their own tenant's; None, the installation's, for a platform admin.

    Whoever merely administers the platform's own organisation is one of the former.
    """
    return None if actor.may(Permission.TENANTS_READ) else actor.tenant_id


def start(session: Session, actor: Actor, entry: Entry) -> None:
    """Ask for a job. Raises Conflict when it waits already, Unavailable when there is no queue to put it into."""
    mark = queue.mark_of(entry.name, place_of(actor))
    store = state().store
    try:
        if store.call(store.client.exists, mark):
            raise Conflict("This job waits already; it starts as soon as a worker is free.")
    except Away:
        raise Unavailable("Jobs cannot be started right now: the queue is away. Try again in a moment.") from None
    record(session, actor, Action.JOB_STARTED, target("job", entry.name, entry.title))
    outbox.put(
        session, "job.wanted", queue_name=entry.queue, name=entry.name, tenant=actor.tenant_id,
        user=actor.user_id, login=actor.session_id, email=actor.email, mark=mark,
    )  # fmt: skip


@outbox.carrier("job.wanted")
def _place(queue_name: str, name: str, tenant: UUID, user: UUID, login: UUID, email: str, mark: str) -> None:
    asker = {"kind": "user", "user": user.hex, "session": login.hex, "email": email}
    queue.place(connection(), queue_name, name, tenant, asker, mark)


def connection() -> redis.Redis:
    """This process's client for queues."""
    settings = state().settings
    return _client(settings.redis_rq_url or settings.redis_url)


@cache
def _client(url: str) -> redis.Redis:
    return queue.connect(url)
