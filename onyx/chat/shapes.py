"""How chats and messages look to clients: snake_case over `/api/v1`, camelCase on sockets and the seed's routes."""

from typing import Any
from uuid import UUID

from onyx.core.clock import rfc3339

from .service import Stored


def chat_shown(chat: Any) -> dict[str, Any]:
    """A chat over `/api/v1`."""
    return {
        "id": str(chat.id),
        "title": chat.title,
        "preview": chat.preview,
        "message_count": chat.message_count,
        "project_id": chat.project_id and str(chat.project_id),
        "created_at": rfc3339(chat.created_at),
        "updated_at": rfc3339(chat.updated_at),
        "last_message_at": rfc3339(chat.last_message_at),
    }


def message_shown(row: Any, chat_id: UUID) -> dict[str, Any]:
    """A message on a socket, in `message:received` and in the acknowledgement of `session:join`."""
    return {
        "id": str(row.id),
        "messageId": str(row.id),
        "sessionId": str(chat_id),
        "seq": row.seq,
        "role": row.role,
        "status": row.status,
        "content": row.content,
        "parentId": row.parent_id and str(row.parent_id),
        "clientId": row.client_id and str(row.client_id),
        "metadata": row.metadata,
        "timestamp": rfc3339(row.created_at),
    }


def question_received(stored: Stored, content: str, client_id: str | None) -> dict[str, Any]:
    """`message:received` of a question, for the person's other devices."""
    return {
        "messageId": str(stored.message_id),
        "sessionId": str(stored.chat_id),
        "seq": stored.seq,
        "role": "user",
        "status": "done",
        "content": content,
        "clientId": client_id,
        "timestamp": rfc3339(stored.created_at),
    }


def acknowledged(stored: Stored) -> dict[str, Any]:
    """The acknowledgement of `message:sent` and `message:retry`."""
    return {
        "sessionId": str(stored.chat_id),
        "messageId": str(stored.message_id),
        "replyId": str(stored.reply_id),
        "seq": stored.seq,
        "replySeq": stored.reply_seq,
        "timestamp": rfc3339(stored.created_at),
    }
