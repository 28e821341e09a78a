"""A login session as it is opened and shown; renewed in access/renewal.py, ended in access/ending.py."""

from typing import Any
from uuid import UUID

from onyx.access.opening import SignedIn, open_session
from onyx.identity.models import LoginSession

__all__ = ["SignedIn", "open_session", "shown"]


def shown(row: LoginSession, current: UUID | None) -> dict[str, Any]:
    """A session as its own person or an admin sees it."""
    return {
        "id": row.id,
        "user_id": row.user_id,
        "device": row.device,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "created_at": row.created_at,
        "last_seen_at": row.last_seen_at,
        "expires_at": row.expires_at,
        "state": row.state,
        "end_reason": row.end_reason,
        "current": row.id == current,
    }
