"""What a session's, a person's or a tenant's change does outside PostgreSQL, once it has committed."""

from datetime import timedelta
from uuid import UUID

import structlog

from onyx.access import erasing
from onyx.core import outbox
from onyx.core.scope import current_scope
from onyx.tenancy.notices import Notice, committed
from onyx.tenancy.walls import control_plane

from . import ended, entries, live, queue
from .state import state
from .store import Away

_log = structlog.get_logger()


@outbox.carrier("session.ended")
def session_ended(tenant: UUID, id: UUID, reason: str, notice: UUID) -> None:
    """Have every process forget a login session and drop its sockets and streams (S5)."""
    _tell(Notice(notice, tenant, "session", id, reason), [id])


@outbox.carrier("session.rotated")
def session_rotated(tenant: UUID, digest: bytes, id: UUID) -> None:
    """Let PostgreSQL judge the old token, which has ten seconds of grace."""
    entries.outdate_surely(tenant, digest)
    live.push(live.session_room(tenant, id), "session:renewed", {})  # pages connect anew, with the cookie of then


@outbox.carrier("person.changed")
def person_changed(tenant: UUID, user: UUID, reason: str, notice: UUID) -> None:
    """Have roles, status and profile of a person read anew everywhere (I3)."""
    _tell(Notice(notice, tenant, "user", user, reason))


@outbox.carrier("tenant.changed")
def tenant_changed(tenant: UUID, reason: str, notice: UUID) -> None:
    """Have every process ask anew whether a tenant may work, and for each of its sockets (T1)."""
    _tell(Notice(notice, tenant, "tenant", tenant, reason))


@outbox.carrier("sessions.ended")
def sessions_ended(tenant: UUID, ids: list[UUID], reason: str, notice: UUID) -> None:
    """Have Redis forget many sessions of a tenant, then every process look for those that it serves, once."""
    try:
        ended.mark_many(tenant, notice, ids)
    except Away:
        state().bus.new_generation()
    _tell(Notice(notice, tenant, "sessions", tenant, reason), ids)


@outbox.carrier("people.changed")
def people_changed(tenant: UUID, users: list[UUID]) -> None:
    """Have what is shown of many people of a tenant read anew; no right of theirs has changed."""
    entries.forget_people(tenant, users)


@outbox.carrier("mail.waiting")
def mail_waiting() -> None:
    """Have the mail job look now; without a queue, or when it waits already, its next turn finds the mail."""
    here = state()
    if here.store.away:
        return
    mark = queue.mark_of("mail.send", None)
    try:
        with queue.connect(here.settings.redis_rq_url or here.settings.redis_url) as connection:
            queue.place(connection, "default", "mail.send", here.platform, {"kind": "schedule"}, mark)
    except (queue.AlreadyWaiting, queue.NoQueue):
        return


@outbox.carrier("chats.gone")
def chats_gone(tenant: UUID, user: UUID, chats: list[UUID]) -> None:
    """Take chats out of a person's open pages and out of the cache of active ones."""
    for chat in chats:
        live.push(live.user_room(tenant, user), "session:deleted", {"sessionId": str(chat)})
    try:
        entries.forget_chats(tenant, user, chats)
    except Away:
        return  # the cache lives for an hour at most, and what is in it opens nothing


@outbox.carrier("chats.back")
def chats_back(tenant: UUID, user: UUID, chats: list[UUID]) -> None:
    """Have a person's open pages ask for their chats anew: some have come back."""
    live.push(live.user_room(tenant, user), "chats:changed", {"count": len(chats)})


@outbox.carrier("person.erased")
def person_erased(tenant: UUID, user: UUID) -> None:
    """Destroy the key of somebody whose rows are gone; the job does it when this process dies before."""
    erasing.certify(tenant, user, timedelta(days=state().settings.physical_backup_days))


@outbox.carrier("directory.left")
def directory_left(digest: bytes) -> None:
    """Drop a log-in from the directory; a line that stays behind when this process dies lets nobody in."""
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select directory_remove(%s)", (digest,))


def _tell(notice: Notice, over: list[UUID] | None = None) -> None:
    """Say that a change has committed. What cannot be said now the job `revocations.retry` says later (F33)."""
    bus = state().bus
    try:
        committed(notice.id, over or [])
    except Exception as error:  # PostgreSQL went away just after the commit: the row from before it stands
        _log.warning("notice not marked as told", kind=notice.kind, error=type(error).__name__)
    try:
        bus.tell(notice)
    except Away:
        _log.warning("redis away: every process finds this notice by polling", kind=notice.kind)
