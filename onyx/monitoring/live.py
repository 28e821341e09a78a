"""Namespace /live: each watcher gets the rooms that their permissions open, and loses them with the permissions.

Events: `stats` every second, `login_session:opened` and `login_session:closed` `{id}`; auditors' `audit:event` is
told by onyx.edge.new_events.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask
from flask_socketio import join_room, leave_room
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.audit.actions import Action
from onyx.core.actor import Actor
from onyx.core.errors import OnyxError
from onyx.edge import gate
from onyx.edge.live import on, on_join, push
from onyx.edge.new_events import audit_room
from onyx.edge.open_sockets import sockets_here
from onyx.edge.store import Away
from onyx.tenancy.notices import Notice

from . import board

_OPENED = {Action.SESSION_CREATED.value}
_CLOSED = {Action.SESSION_ENDED.value, Action.SESSION_EXPIRED.value, Action.SESSION_REVOKED.value}


@on("stats:now", Permission.MONITORING_READ, limit="120/minute", namespace="/live")
def stats_now(actor: Actor, _session: Session) -> dict[str, Any]:
    """The tenant's numbers at once, without waiting for the next second."""
    return {"stats": _summary(actor.tenant_id)}


@on("platform:now", Permission.TENANTS_READ, limit="120/minute", namespace="/live")
def platform_now(_actor: Actor, _session: Session) -> dict[str, Any]:
    """The numbers of the whole installation."""
    return {"stats": _summary(None)}


@on_join("/live")
def enter(actor: Actor, sid: str) -> None:
    """Join what the actor may watch now."""
    for permission, place in _rooms(actor):
        if actor.may(permission):
            join_room(place, sid=sid, namespace="/live")


def rooms_as_they_may_be(app: Flask) -> Callable[[Notice], None]:
    """A listener of the control bus: when somebody's roles change, or what a role of their tenant's own allows, open
    sockets change rooms (I3).
    """

    def obey(notice: Notice) -> None:
        if notice.kind not in ("user", "tenant"):
            return
        with app.test_request_context():
            for socket in sockets_here():
                concerned = socket.tenant == notice.tenant and notice.subject in (socket.user, socket.tenant)
                if socket.namespace == "/live" and concerned:
                    _move(socket.token, socket.meta, socket.sid)

    return obey


def tell_of_sessions(tenant: UUID, events: list[tuple[str, str]]) -> None:
    """Tell administrators who watch that somebody signed in or out; a bulk ending names no single session."""
    for action, id in events:
        if action in _OPENED or action in _CLOSED:
            event = "login_session:opened" if action in _OPENED else "login_session:closed"
            both = [board.room(tenant), board.room(None)]  # in one message
            push(both, event, {"id": "" if id == str(tenant) else id}, namespace="/live")


def _move(token: str, meta: Any, sid: str) -> None:
    try:
        actor = gate.identify(token, meta, ("notice", 10_000, 60), kept=True)
    except OnyxError:
        return  # onyx.edge.dropping drops this socket
    for permission, place in _rooms(actor):
        if actor.may(permission):
            join_room(place, sid=sid, namespace="/live")
        else:
            leave_room(place, sid=sid, namespace="/live")


def _rooms(actor: Actor) -> list[tuple[Permission, str]]:
    return [
        (Permission.MONITORING_READ, board.room(actor.tenant_id)),
        (Permission.TENANTS_READ, board.room(None)),
        (Permission.AUDIT_READ, audit_room(actor.tenant_id)),
    ]


def _summary(tenant: UUID | None) -> dict[str, Any] | None:
    try:
        return board.summary(tenant)
    except Away:
        return None
