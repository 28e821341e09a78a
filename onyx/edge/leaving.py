"""Sockets' way out: closing those whose session is over, and what follows when any has left."""

from collections.abc import Callable, Iterable

import structlog

from .credentials import RENEWED
from .open_sockets import Socket, put_on_list, socketio, take_off_list

_log = structlog.get_logger()
_LEAVES: dict[str, list[Callable[[list[Socket]], None]]] = {}


def on_leave(namespace: str, function: Callable[[list[Socket]], None]) -> None:
    """Run a function for sockets that have left a namespace, for whatever reason, where their process still lives.

    It gets all that one notice has closed at once, when the last of them is closed.
    """
    _LEAVES.setdefault(namespace, []).append(function)


def drop(over: Iterable[tuple[Socket, str]]) -> list[Exception]:
    """Tell sockets why they are closed, and close them; returns what kept any from being closed.

    What follows from their leaving comes after the last is closed: it costs Redis trips, and nobody waits for it.
    """
    gone, trouble = [], []
    for socket, reason in over:
        try:
            if _close(socket, reason):
                gone.append(socket)
        except Exception as error:
            _log.exception("a socket was not dropped", reason=reason)
            trouble.append(error)
    left(gone)
    return trouble


def _close(socket: Socket, reason: str) -> bool:
    """Whether it was still on the list. Closing is the promise: it is tried whatever became of the telling, and what
    cannot be closed stays on the list.
    """
    server = socketio.server
    try:
        event, told = ("session:renewed", {}) if reason == RENEWED else ("session:revoked", {"reason": reason})
        server.emit(event, told, to=socket.sid, namespace=socket.namespace, ignore_queue=True)
    except Exception:
        _log.exception("a socket was not told why it is closed")
    was_here = take_off_list(socket.namespace, socket.sid) is not None
    try:
        server.disconnect(socket.sid, namespace=socket.namespace)
    except Exception:
        if was_here:
            put_on_list(socket)
        raise
    return was_here


def left(sockets: list[Socket]) -> None:
    """Do what follows when sockets have gone, whoever closed them."""
    for namespace in {socket.namespace for socket in sockets}:
        for function in _LEAVES.get(namespace, ()):
            function([socket for socket in sockets if socket.namespace == namespace])
