"""Replies that lost their process: answered anew, or marked failed with a retry (C3). Called by a job."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from onyx.core.actor import Actor, Request
from onyx.core.clock import now
from onyx.core.db import rows, unit_of_work
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, tenant_scope
from onyx.edge.judging import is_open
from onyx.edge.receipts import PROCESSES
from onyx.edge.state import state
from onyx.edge.store import Away, TenantStore
from onyx.tenancy.walls import control_plane

from . import queries, replies
from .outlet import Turn, running_text

_log = structlog.get_logger()
ABANDONED = timedelta(seconds=60)
WORTH_ANSWERING = timedelta(minutes=30)
AT_ONCE = 200
_INTERRUPTED = {
    "code": "interrupted",
    "message": "The server stopped while it was answering. Your question is stored; try again.",
    "retry": True,
}


def recover_replies(tenant: UUID) -> int:
    """Settle every reply of a tenant that nobody writes any more; returns how many. Needs an app context.

    One that cannot be settled does not keep the others. While replies are pending the tenant is marked as due again.
    A tenant that is suspended gets no answers: they wait for the day when it is open again.
    """
    with tenant_scope(tenant, "job:replies"), unit_of_work() as session:
        waiting = rows(session, "select * from stuck_replies(%s)", AT_ONCE)
    settled = 0
    for row in waiting:
        if now() - row.created_at < ABANDONED or _written_elsewhere(tenant, row.id):
            continue
        if not is_open(tenant):
            break
        try:
            settled += _recover(tenant, row)
        except Exception:
            _log.exception("reply not recovered", reply=str(row.id))
    if settled < len(waiting):
        with control_plane(Scope(tenant, "job:replies")) as connection:
            connection.exec_driver_sql("select mark_due('replies', now() + interval '1 minute')")
    return settled


def _recover(tenant: UUID, row: Any) -> int:
    request = Request(id=uuid7().hex, route="job:replies")
    actor = Actor(tenant, "", "", row.user_id, "", "", kind="job", request=request)
    with tenant_scope(tenant, "member", row.user_id), unit_of_work() as session:
        question = queries.message(session, actor, row.chat_session_id, row.parent_id) if row.parent_id else None
    text = question.content if question else ""
    turn = Turn(actor, row.chat_session_id, row.parent_id or row.id, row.id, text)
    if question and row.active and now() - row.created_at < WORTH_ANSWERING:
        return int(replies.write(turn) != "")
    text_so_far = running_text(tenant, row.id)
    return int(replies.settle(turn, text_so_far, "failed", {"error": _INTERRUPTED}) is not None)


def _written_elsewhere(tenant: UUID, reply_id: UUID) -> bool:
    """Whether the process that claimed the reply is alive: it has beaten within the last ten seconds."""
    store = state().store
    try:
        process = TenantStore(store, tenant).get("reply-by", reply_id)
        beat = store.call(store.client.zscore, PROCESSES, process) if process else None
    except Away:
        return True  # nobody can say: wait for Redis
    return beat is not None and float(beat) > time.time() - 10
