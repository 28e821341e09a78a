"""Where a reply's text goes while it is written: to whoever streams it, to Redis, to the person's sockets.

The running text in Redis (`reply:{id}`) is for devices that join meanwhile; losing it loses nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from onyx.core.actor import Actor
from onyx.edge.live import push, user_room
from onyx.edge.state import state
from onyx.edge.store import Away, TenantStore

from .presence import is_heard

_log = structlog.get_logger()
EVERY = 0.04  # seconds between two pushed batches
BESIDE = 0.25  # the same where the asking device has its own stream, and only others hear by socket
BATCH = 400  # characters that are pushed without waiting
LOOK = 0.1  # seconds between two looks at `stopped` while nothing comes
KEPT = 900  # seconds that the running text outlives its last word
Sink = Callable[[str, dict[str, Any] | None], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored question whose reply is to be written; `first` if it begins its chat."""

    actor: Actor
    chat_id: UUID
    question_id: UUID
    reply_id: UUID
    text: str
    first: bool = False


@dataclass(slots=True)
class Outlet:
    """Hands text out: to the sink at once, to Redis and the person's sockets in batches, with code point offsets."""

    turn: Turn
    store: TenantStore
    sink: Sink | None
    parts: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    length: int = 0
    pushed: int = 0
    last: float = 0.0
    every: float = EVERY

    def __post_init__(self) -> None:
        """Where the asking device has its own stream, others wait also for the first words."""
        if self.sink is not None:
            self.every, self.last = BESIDE, time.monotonic()

    def add(self, text: str) -> None:
        if self.sink is not None:
            self.sink("delta", {"message_id": str(self.turn.reply_id), "offset": self.length, "text": text})
        self.parts.append(text)
        self.waiting.append(text)
        self.length += len(text)
        if self.length - self.pushed >= BATCH or time.monotonic() - self.last >= self.every:
            self.flush()

    def due_in(self) -> float:
        """Seconds until what waits should go out; LOOK when nothing does."""
        return max(0.0, self.last + self.every - time.monotonic()) if self.waiting else LOOK

    def flush(self) -> None:
        if not self.waiting:
            return
        text, offset = "".join(self.waiting), self.pushed
        self.waiting.clear()
        self.pushed, self.last = self.length, time.monotonic()
        keep_text(self.store, self.turn.reply_id, text)
        payload = {
            "sessionId": str(self.turn.chat_id),
            "messageId": str(self.turn.reply_id),
            "offset": offset,
            "text": text,
        }
        push_to_devices(self.turn.actor, "message:delta", payload)

    @property
    def text(self) -> str:
        return "".join(self.parts)


def keep_text(store: TenantStore, reply_id: UUID, text: str) -> None:
    """Append to the running text, as far as Redis is there."""
    try:
        store.append("reply", reply_id, value=text, seconds=KEPT)
    except Away:
        return


def running_text(tenant: UUID, reply_id: UUID) -> str:
    """What a reply that is being written has so far; empty when Redis does not know."""
    try:
        found = TenantStore(state().store, tenant).get("reply", reply_id)
    except Away:
        return ""
    return (found or b"").decode("utf-8", "ignore")


def push_to_devices(actor: Actor, event: str, payload: dict[str, Any]) -> None:
    """Tell all sockets of the person, if there are any; one that misses it asks for what it misses when it is back."""
    assert actor.user_id is not None
    try:
        if is_heard(actor.tenant_id, actor.user_id):  # a look costs a quarter of a push
            push(user_room(actor.tenant_id, actor.user_id), event, payload)
    except Exception:
        _log.exception("push failed", kind=event)
