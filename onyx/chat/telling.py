"""What a person's open pages are told about their chats once a change has committed."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.edge.live import user_room


def created(session: Session, actor: Actor, chat: Any) -> None:
    payload = {"sessionId": str(chat.id), "timestamp": rfc3339(chat.created_at), "title": chat.title}
    _tell(session, actor, "session:created", payload)


def updated(session: Session, actor: Actor, chat: Any) -> None:
    payload = {"sessionId": str(chat.id), "title": chat.title, "timestamp": rfc3339(now()),
               "projectId": chat.project_id and str(chat.project_id)}  # fmt: skip
    _tell(session, actor, "session:updated", payload)


def deleted(session: Session, actor: Actor, chat_id: UUID) -> None:
    _tell(session, actor, "session:deleted", {"sessionId": str(chat_id)})


def loaded(session: Session, actor: Actor, chat_id: UUID, count: int) -> None:
    _tell(session, actor, "session:loaded", {"sessionId": str(chat_id), "messageCount": count})


def _tell(session: Session, actor: Actor, event: str, payload: dict[str, Any]) -> None:
    assert actor.user_id is not None
    outbox.put(session, "push", room=user_room(actor.tenant_id, actor.user_id), event=event, payload=payload)
