"""Connections on which nobody says who they are: closed after a while, so that strangers cannot use all of them up.

A WebSocket is open before the client asks for a namespace with its token; the library would keep it for ever.
"""

import time

import structlog

from .live import NAMESPACES
from .open_sockets import socketio

_log = structlog.get_logger()
PATIENCE = 10.0
EVERY = 2.5


def start() -> None:
    """Look in the background, in serving processes."""
    socketio.start_background_task(_for_ever)


def sweep(since: dict[str, float], now: float) -> int:
    """Close what has had no namespace for PATIENCE seconds, also where it lost it; returns how many.

    `since` keeps, from one sweep to the next, when each was first seen without.
    """
    server = socketio.server
    connections = dict(server.eio.sockets)
    nobodys = [id for id in connections if not any(server.manager.sid_from_eio_sid(id, name) for name in NAMESPACES)]
    for id in since.keys() - set(nobodys):
        del since[id]
    late = [id for id in nobodys if now - since.setdefault(id, now) >= PATIENCE]
    for id in late:
        # Without waiting: whoever does not read would keep everybody else's sweep.
        connections[id].close(wait=False, abort=True)
    return len(late)


def _for_ever() -> None:
    since: dict[str, float] = {}
    while True:
        time.sleep(EVERY)
        try:
            sweep(since, time.monotonic())
        except Exception:
            _log.exception("unclaimed connections not closed")
