"""One turn, whatever way it came in: store, commit, begin the answer, tell the person's other devices."""

import time
from contextlib import ExitStack, suppress
from typing import Any
from uuid import UUID

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.db import unit_of_work
from onyx.core.errors import NotFound
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope
from onyx.edge import bounds
from onyx.edge.at_once import enter
from onyx.edge.live import push, user_room
from onyx.edge.state import state
from onyx.edge.store import Away, key
from onyx.tenancy.notices import Notice
from onyx.tenancy.walls import control_plane

from . import queries, replies, service
from .outlet import Sink, Turn
from .presence import is_heard
from .service import Asked, Stored
from .shapes import message_shown, question_received

MARK_EVERY = 60.0
MOST_MARKED = 4096  # tenants; whoever is forgotten is marked once more
ANSWERS_AT_ONCE = 4  # of one person
LONGEST_ANSWER = 300  # seconds after which the place of one whose process died is free again
_TOO_MANY = f"{ANSWERS_AT_ONCE} answers are being written for you already. Wait for one, or stop one."
_marked: dict[UUID, float] = {}


def ask(
    actor: Actor,
    asked: Asked,
    *,
    told_as: str | None = None,
    sender: str | None = None,
    sink: Sink | None = None,
) -> Stored:
    """Store a question (see service.send) and begin its answer; what was sent before is not answered twice.

    Raises DailyQuotaReached for a new one when the organisation's messages of the day are spent.

    `told_as` is the client's own word for the message, `sender` the socket that needs no push, `sink` gets the reply.
    """
    if actor.spent is not None:
        return _heard_again(actor, asked, sender)
    _expect_replies(actor)
    with _place(actor) as place:
        stored = service.send(actor, asked)
        if stored.again:
            bounds.give_back(actor.tenant_id, bounds.MESSAGES)
            if sender is not None:
                _tell_what_became(actor, stored, sender)
            return stored
        turn = Turn(actor, stored.chat_id, stored.message_id, stored.reply_id, asked.content, stored.created_chat)
        with replies.start(turn, sink, place.pop_all().close):
            _tell_others(actor, stored, question_received(stored, asked.content, told_as), sender)
    return stored


def answer_again(actor: Actor, *, chat_id: UUID, message_id: UUID) -> Stored:
    """Begin another reply to the same question, which counts as a message.

    Raises NotFound, Conflict when there is no question, DailyQuotaReached.
    """
    if actor.spent is not None:
        raise actor.spent
    _expect_replies(actor)
    with _place(actor) as place:
        with unit_of_work() as session:
            stored = service.retry(session, actor, chat_id=chat_id, message_id=message_id)
            question = queries.message(session, actor, chat_id, stored.message_id)
        if stored.again:
            bounds.give_back(actor.tenant_id, bounds.MESSAGES)
        if not stored.again and question is not None:
            turn = Turn(actor, chat_id, stored.message_id, stored.reply_id, question.content)
            with replies.start(turn, done=place.pop_all().close):
                pass
    return stored


def stop(actor: Actor, *, chat_id: UUID, message_id: UUID | None) -> list[str]:
    """Stop the replies of a chat that are being written, in whatever process; returns their ids."""
    with unit_of_work() as session:
        if queries.chat(session, actor, chat_id) is None:
            raise NotFound()
        running = queries.pending(session, actor, chat_id, message_id)
        for row in running:
            record(session, actor, Action.REPLY_STOPPED, target("chat", chat_id), target("message", row.id))
    for row in running:
        _stop_everywhere(actor.tenant_id, row.id)
    return [str(row.id) for row in running]


def _heard_again(actor: Actor, asked: Asked, sender: str | None) -> Stored:
    """Who missed the acknowledgement gets it, also when nothing new may be sent today. Raises DailyQuotaReached."""
    stored = service.found_again(actor, asked)
    if stored is None:
        raise actor.spent or NotFound()
    if sender is not None:
        _tell_what_became(actor, stored, sender)
    return stored


def _place(actor: Actor) -> ExitStack:
    """A place among the answers that a person may have written at the same moment; left when the stack closes.

    Raises TooMany.
    """
    stack = ExitStack()
    name = key(actor.tenant_id, "answering", actor.user_id)
    stack.callback(enter(name, ANSWERS_AT_ONCE, LONGEST_ANSWER, _TOO_MANY))
    return stack


def _tell_what_became(actor: Actor, stored: Stored, sender: str) -> None:
    """The sender missed the acknowledgement, and perhaps the whole reply: it is told now if it is finished."""
    with unit_of_work() as session:
        reply = queries.whole_messages(session, actor, stored.chat_id, stored.reply_seq - 1, 1)
    if reply and reply[0].status != "pending":
        push(sender, "message:received", message_shown(reply[0], stored.chat_id))


def _stop_everywhere(tenant: UUID, reply_id: UUID) -> None:
    notice = Notice(uuid7(), tenant, "stop", reply_id, "stopped_by_you")
    with suppress(Away):  # the process that writes is most likely this one
        state().bus.tell(notice)


def _tell_others(actor: Actor, stored: Stored, question: dict[str, Any], sender: str | None) -> None:
    assert actor.user_id is not None
    if not is_heard(actor.tenant_id, actor.user_id):
        return
    room = user_room(actor.tenant_id, actor.user_id)
    if stored.created_chat:
        created = {
            "sessionId": str(stored.chat_id),
            "timestamp": rfc3339(stored.created_at),
            "title": stored.title,
        }
        push(room, "session:created", created)
    elif stored.seq == 1:
        title = service.title_of(question["content"])
        push(room, "session:updated", {"sessionId": str(stored.chat_id), "title": title})
    push(room, "message:received", question, skip=sender)


def _expect_replies(actor: Actor) -> None:
    """Have the sweep look for abandoned replies of this tenant, should this process die in the middle of one."""
    now = time.monotonic()
    if now - _marked.get(actor.tenant_id, -MARK_EVERY) < MARK_EVERY:
        return
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select mark_due('replies', now() + interval '2 minutes')")
    if len(_marked) >= MOST_MARKED:
        _marked.clear()
    _marked[actor.tenant_id] = now
