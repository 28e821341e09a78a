"""On how many devices somebody is here, in Redis with an end: a process that dies leaves no ghosts (C4, F34).

Each process says every half minute which sockets it still holds; what it does not say is forgotten after TTL.
"""

import time
from collections import defaultdict
from contextlib import suppress
from uuid import UUID

import structlog
from flask import Flask, current_app

from onyx.core.actor import Actor
from onyx.edge.leaving import on_leave
from onyx.edge.live import on_join, push, user_room
from onyx.edge.open_sockets import Socket, socketio, sockets_here
from onyx.edge.state import state
from onyx.edge.store import Away, TenantStore

_log = structlog.get_logger()
TTL = 75
EVERY = 30.0


@on_join("/")
def came(actor: Actor, sid: str) -> None:
    """Count the device and tell the person's others."""
    assert actor.user_id is not None
    _begin_beating()
    with suppress(Away):
        _touch(actor.tenant_id, actor.user_id, sid)
        _tell(actor.tenant_id, actor.user_id, new=sid)


def went(sockets: list[Socket]) -> None:
    """Forget devices and tell their people's others, once each."""
    whose: defaultdict[tuple[UUID, UUID], list[str]] = defaultdict(list)
    for socket in sockets:
        whose[socket.tenant, socket.user].append(socket.sid)
    with suppress(Away):
        for (tenant, user), gone in whose.items():
            TenantStore(state().store, tenant).remove("presence", user, members=gone)
            _tell(tenant, user)


on_leave("/", went)


def devices(tenant: UUID, user: UUID) -> int:
    """On how many devices somebody is here. Raises Away."""
    return len(TenantStore(state().store, tenant).members("presence", user, since=time.time() - TTL))


def is_heard(tenant: UUID, user: UUID) -> bool:
    """Whether somebody may hear what is pushed to a person's devices; yes as well while nobody can say.

    A device counts before its connect is acknowledged, so that whatever it then asks for is newer than what it missed.
    """
    try:
        return devices(tenant, user) > 0
    except Away:
        return True


def beat() -> None:
    """Say which sockets this process holds. Raises Away."""
    for socket in sockets_here():
        if socket.namespace == "/":
            _touch(socket.tenant, socket.user, socket.sid)


def _touch(tenant: UUID, user: UUID, sid: str) -> None:
    TenantStore(state().store, tenant).touch("presence", user, member=sid, at=time.time(), seconds=TTL)


def _tell(tenant: UUID, user: UUID, new: str | None = None) -> None:
    """Nobody is told who has no other device: there is nobody to hear it."""
    here = devices(tenant, user)
    if here > (1 if new else 0):
        push(user_room(tenant, user), "presence", {"userId": str(user), "online": True, "devices": here}, skip=new)


def _begin_beating() -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if "onyx.presence" not in app.extensions:
        app.extensions["onyx.presence"] = socketio.start_background_task(_beat_for_ever, app)


def _beat_for_ever(app: Flask) -> None:
    last, generation = time.monotonic(), None
    while True:
        time.sleep(1.0)
        try:
            with app.app_context():
                known = state().bus.generation  # a Redis that was emptied or restarted begins a new one
                if known == generation and time.monotonic() - last < EVERY:
                    continue
                beat()
                last, generation = time.monotonic(), known
        except Away:
            continue
        except Exception:
            _log.exception("presence not renewed")
