"""What must leave Onyx's database (pushes, jobs, mails, cache changes) waits here until the commit (STYLE 7).

Letters carry ids, never content. Where a letter must not be lost, a row tells the same story to a sweep.
"""

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.orm import Session

_log = structlog.get_logger()
_carriers: dict[str, Callable[..., None]] = {}


def carrier(topic: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register the function that carries letters of `topic`; the edge does, features never."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        _carriers[topic] = function
        return function

    return register


def put(session: Session, topic: str, **ids: Any) -> None:
    """Leave a letter to be carried after the commit of `session`'s transaction; dropped with a rollback."""
    if topic not in _carriers:
        raise LookupError(f"nobody carries {topic!r}: register it with @outbox.carrier")
    session.info.setdefault("outbox", []).append((topic, ids))


def take(session: Session) -> list[tuple[str, dict[str, Any]]]:
    """All letters of the session, leaving none."""
    return session.info.pop("outbox", [])


def deliver(letters: list[tuple[str, dict[str, Any]]]) -> None:
    """Carry letters in order; one that fails is logged and does not keep the others."""
    for topic, ids in letters:
        try:
            _carriers[topic](**ids)
        except Exception:
            _log.exception("letter not delivered", topic=topic)
