"""Sockets in the access log: one line when one opens, one when it closes (A3, S4)."""

from dataclasses import replace

from onyx.core.actor import Actor
from onyx.core.ids import uuid7

from .leaving import on_leave
from .live import NAMESPACES, on_join
from .open_sockets import Socket
from .state import state


def install() -> None:
    """Watch every namespace; what a killed process had open has no second line."""
    for namespace in NAMESPACES:
        on_join(namespace)(_opened)
        on_leave(namespace, _closed)


def _opened(actor: Actor, _sid: str) -> None:
    state().access_log.write(actor, "socket", "", 200, 0.0, counted=False)


def _closed(sockets: list[Socket]) -> None:
    for socket in sockets:
        request = replace(socket.meta, id=uuid7().hex, method="DISCONNECT")
        whose = Actor(socket.tenant, "", "", socket.user, "", "", session_id=socket.session, request=request)
        state().access_log.write(whose, "socket", "", 200, 0.0, counted=False)
