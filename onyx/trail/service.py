"""Looking at the logs is itself in the trail, in the transaction of the look (A3).

Once for each person, login session, set of filters and minute: paging on, polling and pressing reload add nothing,
another question does. Which event was opened counts as a question of its own.
"""

from typing import Any

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor

from . import queries


def look(session: Session, actor: Actor, action: Action, filters: dict[str, str], event: str = "") -> None:
    """Record that the actor looks at a log with these filters, or at one event."""
    asked: dict[str, Any] = {"filters": filters} | ({"event": event} if event else {})
    if queries.viewed_lately(session, actor, action.value, asked):
        return
    seen = [target("event", event)] if event else []
    record(session, actor, action, *seen, asked=asked)
