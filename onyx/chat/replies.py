"""A reply while it is being written: produced by the assistant, handed out in batches, stopped, settled in its row.

One task produces, another hands out, so that a stop or a revocation takes effect while a provider keeps silent.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from onyx.assistant import Answer, Failed, Question, answer
from onyx.core.clock import rfc3339
from onyx.core.db import unit_of_work
from onyx.core.errors import Unavailable
from onyx.core.scope import tenant_scope
from onyx.edge.open_sockets import socketio
from onyx.edge.state import state
from onyx.edge.store import Away, TenantStore
from onyx.edge.streams import Stream

from . import service
from .active import keep_active
from .outlet import Outlet, Sink, Turn, push_to_devices

_log = structlog.get_logger()
LONGEST_REPLY = 100_000
TOGETHER = 32  # pieces that are handed out as one at most
_tasks: set[Any] = set()


@contextmanager
def start(turn: Turn, sink: Sink | None = None, done: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Write the reply in the background once the block is over, however it ends: what others are told in it must not wait
    for the answer. The stream is open inside already, so that a stop finds it.

    `done` is called when nobody writes any more, whatever the reply's end.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    stack = ExitStack()
    stack.callback(done)
    stream = stack.enter_context(state().streams.open(turn.actor, turn.reply_id))
    try:
        yield
    finally:
        _spawn(_run, app, turn, stream, stack, sink)


def write(turn: Turn) -> str:
    """Write the reply here and now; returns the status it ended with. For the job that recovers replies."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with state().streams.open(turn.actor, turn.reply_id) as stream:
        return _write(app, turn, stream, None)


def settle(turn: Turn, content: str, status: str, metadata: dict[str, Any]) -> dict[str, Any] | None:
    """Put the reply's end into its row and tell the person's devices; None when it was settled before."""
    actor = turn.actor
    assert actor.user_id is not None
    text = json.dumps(metadata).replace("\\u0000", "")
    with tenant_scope(actor.tenant_id, "member", actor.user_id, actor.session_id), unit_of_work() as session:
        row = service.finish_reply(
            session, actor.user_id, reply_id=turn.reply_id, content=content, status=status,
            tokens=service.estimated_tokens(content), metadata=text,
        )  # fmt: skip
    if row is None:
        return None
    payload = {
        "messageId": str(turn.reply_id),
        "sessionId": str(turn.chat_id),
        "seq": row.seq,
        "role": "assistant",
        "status": status,
        "content": content,
        "parentId": row.parent_id and str(row.parent_id),
        "metadata": metadata,
        "timestamp": rfc3339(row.created_at),
    }
    push_to_devices(actor, "message:received", payload)
    return payload


def _run(app: Flask, turn: Turn, stream: Stream, stack: ExitStack, sink: Sink | None) -> None:
    with app.app_context(), stack:
        try:
            _write(app, turn, stream, sink)
        except Exception:
            _log.exception("reply left to the job that recovers replies", reply=str(turn.reply_id))
        finally:
            if sink is not None:
                sink("end", None)


def _write(app: Flask, turn: Turn, stream: Stream, sink: Sink | None) -> str:
    store = TenantStore(state().store, turn.actor.tenant_id)
    outlet = Outlet(turn, store, sink)
    pieces: SimpleQueue[Any] = SimpleQueue()
    _spawn(_produce, app, turn, stream, pieces)
    try:
        _claim(store, turn.reply_id)  # while the assistant is being asked
        status, metadata = _hand_out(outlet, stream, pieces)
    finally:
        stream.stopped.set()  # the producer, if it still runs, has nobody to produce for
    outlet.flush()
    keep_active(turn.actor, turn.chat_id)
    content = outlet.text
    payload = _settle_surely(turn, content, status, metadata)
    if sink is not None and payload is not None:
        _tell(sink, payload)
    return status


def _produce(app: Flask, turn: Turn, stream: Stream, pieces: "SimpleQueue[Any]") -> None:
    """Put the answer's parts, then its end, into the queue: an Answer first, str after str, None or a Failed."""
    actor = turn.actor
    try:
        with app.app_context(), tenant_scope(actor.tenant_id, "member", actor.user_id, actor.session_id):
            asked = Question(actor.name, turn.chat_id, turn.question_id, turn.text, turn.first)
            made = answer(state().settings, asked, None if actor.bounds.own_model is False else actor.tenant_id)
            pieces.put(made)
            for text in made.pieces:
                if stream.stopped.is_set():
                    break
                pieces.put(text)
        pieces.put(None)
    except Failed as error:
        pieces.put(error)
    except Exception as error:
        _log.exception("the assistant failed", reply=str(turn.reply_id), kind=type(error).__name__)
        pieces.put(Failed("assistant_failed", "Onyx could not write this answer. Try again in a moment."))


def _hand_out(outlet: Outlet, stream: Stream, pieces: "SimpleQueue[Any]") -> tuple[str, dict[str, Any]]:
    made: Answer | None = None
    ahead: list[Any] = []
    while True:
        if stream.stopped.is_set():
            return "stopped", {**_described(made), "stopped_because": stream.reason}
        try:
            piece = ahead.pop() if ahead else pieces.get(timeout=outlet.due_in())
        except Empty:
            outlet.flush()
            continue
        if stream.stopped.is_set():
            continue  # a stop ends the producer too: its end must not pass for the answer's
        if isinstance(piece, str):
            outlet.add(piece + "".join(_waiting_texts(pieces, ahead)))
            if outlet.length >= LONGEST_REPLY:
                return "done", {**_described(made), "cut_off": True}
        elif isinstance(piece, Answer):
            made = piece
        elif isinstance(piece, Failed):
            error = {"code": piece.code, "message": piece.message, "retry": True}
            return "failed", {**_described(made), "error": error}
        else:
            return "done", _described(made)


def _waiting_texts(pieces: "SimpleQueue[Any]", ahead: list[Any]) -> Iterator[str]:
    """The texts that lie there already: a busy process hands out fewer and longer pieces. What ends them goes `ahead`."""
    with suppress(Empty):
        for _ in range(TOGETHER):
            piece = pieces.get_nowait()
            if not isinstance(piece, str):
                ahead.append(piece)
                return
            yield piece


def _described(made: Answer | None) -> dict[str, Any]:
    if made is None:
        return {}
    return {"label": made.label, "model": made.model, "citations": made.citations}


def _settle_surely(turn: Turn, content: str, status: str, metadata: dict[str, Any]) -> dict[str, Any] | None:
    """Settle, also when PostgreSQL is away for a while; after that the row waits for the job."""
    for pause in (0.5, 1, 2, 4, 8, None):
        try:
            return settle(turn, content, status, metadata)
        except (Unavailable, SQLAlchemyError):
            if pause is None:
                raise
            time.sleep(pause)
    return None


def _tell(sink: Sink, payload: dict[str, Any]) -> None:
    error = payload["metadata"].get("error")
    if error:
        sink("error", {"message_id": payload["messageId"], **error})
    sink(
        "done",
        {
            "message_id": payload["messageId"],
            "session_id": payload["sessionId"],
            "seq": payload["seq"],
            "status": payload["status"],
            "content": payload["content"],
            "metadata": payload["metadata"],
        },
    )


def _claim(store: TenantStore, reply_id: UUID) -> None:
    """Say which process writes a reply, so that a job does not take it for abandoned."""
    try:
        store.set("reply-by", reply_id, value=state().bus.process, seconds=3600)
    except Away:
        return


def _spawn(function: Callable[..., None], *arguments: Any) -> None:
    """A background task that is referred to until it ends: one that nobody holds may be collected (F34)."""

    def run() -> None:
        try:
            function(*arguments)
        finally:
            _tasks.discard(marker)

    marker: list[Any] = _Marker()
    _tasks.add(marker)
    marker.append(socketio.start_background_task(run))


class _Marker(list[Any]):
    __hash__ = object.__hash__  # type: ignore[assignment]
