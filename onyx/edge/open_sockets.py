"""The sockets that people have open in this process."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from flask_socketio import SocketIO

from onyx.core.actor import Request

socketio = SocketIO(manage_session=False)


@dataclass(slots=True)
class Socket:
    """One open socket: whose it is, and the token to ask again with."""

    sid: str
    namespace: str
    tenant: UUID
    user: UUID
    session: UUID
    token: str
    meta: Request


_sockets: dict[tuple[str, str], Socket] = {}
_held: Counter[tuple[UUID, UUID]] = Counter()


def sockets_here() -> list[Socket]:
    """All of them, at this moment."""
    return list(_sockets.values())


def socket_at(namespace: str, sid: str) -> Socket | None:
    return _sockets.get((namespace, sid))


def held_by(tenant: UUID, user: UUID) -> int:
    """How many a person has."""
    return _held[tenant, user]


def put_on_list(socket: Socket) -> None:
    _sockets[socket.namespace, socket.sid] = socket
    _held[socket.tenant, socket.user] += 1


def take_off_list(namespace: str, sid: str) -> Socket | None:
    """The socket that was listed until now; None when it was not, or no longer."""
    socket = _sockets.pop((namespace, sid), None)
    if socket is not None:
        _held[socket.tenant, socket.user] -= 1
        if not _held[socket.tenant, socket.user]:
            del _held[socket.tenant, socket.user]
    return socket
