"""Closing many sockets at once: none waits for what follows from another's leaving, and a stuck one is not forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from onyx.core.actor import Request
from onyx.core.ids import uuid7
from onyx.edge import leaving
from onyx.edge.open_sockets import Socket, held_by, put_on_list, socket_at, socketio, take_off_list


def test_all_are_closed_before_what_follows_and_a_stuck_one_stays_on_the_list(
    app: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[Any] = []

    def disconnect(sid: str, namespace: str) -> None:
        order.append(sid)
        if sid == "stuck":
            raise OSError("the line does not close")

    monkeypatch.setattr(socketio.server, "disconnect", disconnect)
    monkeypatch.setattr(leaving, "_LEAVES", {"/": [lambda sockets: order.append([socket.sid for socket in sockets])]})
    tenant, user = world.acme.id, uuid7()
    sockets = [
        Socket(sid, "/", tenant, user, uuid7(), "", Request("", "CONNECT", "/", "", "")) for sid in ("a", "stuck", "b")
    ]
    for socket in sockets:
        put_on_list(socket)
    trouble = leaving.drop((socket, "tenant_suspended") for socket in sockets)
    assert order == ["a", "stuck", "b", ["a", "b"]]
    assert [type(error) for error in trouble] == [OSError]
    assert socket_at("/", "stuck") is sockets[1] and held_by(tenant, user) == 1
    assert socket_at("/", "a") is None
    take_off_list("/", "stuck")
