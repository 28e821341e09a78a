"""Connections on which nobody says who they are: closed after a while, so that strangers cannot use all of them up.

A WebSocket is open before the client asks for a namespace with its token; the library would keep it for ever.
"""

import time

import structlog

from .live import NAMESPACES, socketio

_log = structlog.get_logger()
PATIENCE = 10.0
EVERY = 2.5
_since: dict[str, float] = {}


def start() -> None:
    """Look in the background, in serving processes."""
    socketio.start_background_task(_for_ever)


def sweep(now: float) -> int:
    """Close what has had no namespace for PATIENCE seconds, also where it lost it; returns how many."""
    server = socketio.server
    connections = dict(server.eio.sockets)
    nobodys = [id for id in connections if not any(server.manager.sid_from_eio_sid(id, name) for name in NAMESPACES)]
    for id in _since.keys() - set(nobodys):
        del _since[id]
    late = [id for id in nobodys if now - _since.setdefault(id, now) >= PATIENCE]
    for id in late:
        # Without waiting: whoever does not read would keep everybody else's sweep.
        connections[id].close(wait=False, abort=True)
    return len(late)


def _for_ever() -> None:
    while True:
        time.sleep(EVERY)
        try:
            sweep(time.monotonic())
        except Exception:
            _log.exception("unclaimed connections not closed")
