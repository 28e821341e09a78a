"""Auditors who watch are told that there is something new; what it is they ask for, with their filters."""

from typing import Any

from flask import request
from flask_socketio import join_room
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.edge.live import on
from onyx.edge.new_events import audit_room


def install() -> None:
    """Register the event; importing this module did."""


@on("audit:watch", Permission.AUDIT_READ, limit="60/minute", namespace="/live")
def watch(actor: Actor, _session: Session) -> dict[str, Any]:
    """Join the room of the tenant's auditors on this socket; `audit:event {count}` comes at most once a second."""
    join_room(audit_room(actor.tenant_id), sid=request.sid, namespace="/live")  # type: ignore[attr-defined]
    return {}
