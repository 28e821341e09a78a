"""Sockets' way in: `@on(event, permission)`. Who somebody is, is asked anew at every event, never remembered from connect.

What a socket may receive is decided by its rooms, `t:{tenant}:u:{user}` and `t:{tenant}:s:{session}`; a notice on the
control bus drops the sockets of a session, a person or a tenant in every process (F27, F28).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, g, request
from flask_socketio import ConnectionRefusedError, join_room
from pydantic import BaseModel, ValidationError
from socketio.base_manager import BaseManager
from sqlalchemy.exc import DataError

from onyx.access.policy import PURPOSE, Permission
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core import outbox
from onyx.core.actor import Actor, Request
from onyx.core.db import unit_of_work
from onyx.core.errors import (
    AddressRefused,
    Denied,
    FactorRequired,
    Invalid,
    OnyxError,
    QuotaReached,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from onyx.core.ids import parse_id, uuid7
from onyx.core.scope import tenant_scope

from . import bounds, floods, gate, wires
from .errors import body_of, invalid, status_of
from .http import COOKIE
from .leaving import drop, left
from .limits import parsed
from .open_sockets import Socket, held_by, put_on_list, socket_at, socketio, take_off_list
from .state import State, state

_log = structlog.get_logger()
LARGEST_EVENT = 256 * 1024
SOCKETS_EACH = 100  # of one person in one process
NAMESPACES = ("/", "/live")
_SHOWN = "onyx.shown"  # tokens that were good on this connection
Handler = Callable[..., dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Event:
    """One event that clients may send."""

    name: str
    permission: Permission
    limit: str
    namespace: str
    spends: str | None = None


EVENTS: dict[tuple[str, str], Event] = {}
_JOINS: dict[str, list[Callable[[Actor, str], None]]] = {}


def on(
    event: str,
    permission: Permission,
    body: type[BaseModel] | None = None,
    limit: str = "240/minute",
    namespace: str = "/",
    spends: str | None = None,
) -> Callable[[Handler], Handler]:
    """Handle an event for an actor who holds `permission` now; its return value is the acknowledgement.

    The handler gets `(actor, session, body)` inside the permission's scope and one unit of work. The client gets
    `{ok: true, …}` after the commit, or `{ok: false, error: {code, message, retry, …}}`. `spends` is as with requires().
    """
    EVENTS[namespace, event] = Event(event, permission, limit, namespace, spends)

    def register(handler: Handler) -> Handler:
        def receive(payload: Any = None, *_more: Any) -> dict[str, Any]:
            return _receive(EVENTS[namespace, event], handler, body, payload)

        socketio.on_event(event, receive, namespace=namespace)
        return handler

    return register


def on_join(namespace: str) -> Callable[[Callable[[Actor, str], None]], Callable[[Actor, str], None]]:
    """Run a function `(actor, sid)` for each socket that connects to a namespace, after it joined its own rooms."""

    def register(function: Callable[[Actor, str], None]) -> Callable[[Actor, str], None]:
        _JOINS.setdefault(namespace, []).append(function)
        return function

    return register


def user_room(tenant: UUID, user: UUID) -> str:
    return f"t:{tenant}:u:{user}"


def session_room(tenant: UUID, session: UUID) -> str:
    return f"t:{tenant}:s:{session}"


def push(
    room: str | list[str], event: str, payload: dict[str, Any], namespace: str = "/", skip: str | None = None
) -> None:
    """Send an event to a room on every process, now; to whoever is in several of them, once. After a change use the
    outbox instead.
    """
    socketio.emit(event, payload, to=room, namespace=namespace, skip_sid=skip)


@outbox.carrier("push")
def _push_after_commit(room: str, event: str, payload: dict[str, Any], namespace: str = "/") -> None:
    push(room, event, payload, namespace)


def install(app: Flask, rooms: BaseManager, async_mode: str) -> None:
    """Bind Socket.IO to the application."""
    socketio.init_app(
        app,
        async_mode=async_mode,
        client_manager=rooms,
        transports=["websocket"],
        cors_allowed_origins=None,
        max_http_buffer_size=LARGEST_EVENT,
        ping_interval=25,
        ping_timeout=20,
    )
    for namespace in NAMESPACES:
        socketio.on_event("connect", partial(_connect, namespace), namespace=namespace)
        socketio.on_event("disconnect", partial(_disconnect, namespace), namespace=namespace)
    here: State = app.extensions["onyx"]
    if here.settings.rate_limits:
        floods.install(app, socketio.server, here.counts)
    wires.install(app, socketio.server, LARGEST_EVENT)


def may_watch(actor: Actor) -> bool:
    """Whether there is anything on /live for somebody."""
    return any(event.namespace == "/live" and actor.may(event.permission) for event in EVENTS.values())


def _connect(namespace: str, auth: Any = None) -> None:
    if socket_at(namespace, request.sid) is not None:  # type: ignore[attr-defined]
        return  # an event that a client named `connect`
    # Flask-SocketIO calls again without auth after a TypeError: an absent auth must never count as success.
    token = auth.get("token") if isinstance(auth, dict) else None
    token = token if isinstance(token, str) and token else request.cookies.get(COOKIE, "")
    g.request_id = uuid7().hex
    meta = Request(g.request_id, "CONNECT", namespace, request.remote_addr or "", request.headers.get("User-Agent", ""))
    shown: set[str] = request.environ.setdefault(_SHOWN, set())
    try:
        # A page that comes back on its open connection brings the cookie of then: when that has been replaced meanwhile,
        # it is no sign of a thief.
        actor = gate.identify(token, meta, ("connect", 120, 60), kept=token in shown)
        shown.add(token)
        if actor.user_id is None or actor.session_id is None or (namespace == "/live" and not may_watch(actor)):
            raise Denied()
        if actor.must_enrol:
            raise FactorRequired()
        if held_by(actor.tenant_id, actor.user_id) >= SOCKETS_EACH and state().settings.rate_limits:
            raise TooMany("You have too many windows open.")
    except OnyxError as error:
        raise ConnectionRefusedError(_told(error)) from None
    sid: str = request.sid  # type: ignore[attr-defined]
    put_on_list(Socket(sid, namespace, actor.tenant_id, actor.user_id, actor.session_id, token, meta))
    floods.is_known(request.environ)
    try:
        _enter(namespace, actor, sid)
        gate.identify(token, meta, ("notice", 10_000, 60))  # a notice may have passed before the socket was listed
    except Exception as error:
        take_off_list(namespace, sid)
        if isinstance(error, OnyxError):
            raise ConnectionRefusedError(_told(error)) from None
        raise


def _enter(namespace: str, actor: Actor, sid: str) -> None:
    assert actor.user_id is not None and actor.session_id is not None
    join_room(user_room(actor.tenant_id, actor.user_id))
    join_room(session_room(actor.tenant_id, actor.session_id))
    for function in _JOINS.get(namespace, ()):
        function(actor, sid)


def _disconnect(namespace: str, *_reason: Any) -> None:
    sid: str = request.sid  # type: ignore[attr-defined]
    # A client may send an event by this name too. It must not take its socket out of reach of revocations.
    if socketio.server.manager.is_connected(sid, namespace):
        return
    socket = take_off_list(namespace, sid)
    if socket is not None:
        left([socket])


def _receive(event: Event, handler: Handler, body: type[BaseModel] | None, payload: Any) -> dict[str, Any]:
    began = time.perf_counter()
    g.request_id = uuid7().hex
    socket = socket_at(event.namespace, request.sid)  # type: ignore[attr-defined]
    actor: Actor | None = None
    status = 200
    try:
        if socket is None:
            raise Unauthenticated()
        actor = _identify(socket, event)
        with bounds.kept_to(actor, event.spends):
            return {"ok": True, **(_act(event, handler, actor, body, payload) or {})}
    except Exception as error:
        status, answer = _refusal(error, event)
        if isinstance(error, (AddressRefused, Unauthenticated)) and socket is not None:
            drop([(socket, error.code if isinstance(error, AddressRefused) else error.reason or "expired")])
        return answer
    finally:
        if actor is not None:
            state().access_log.write(actor, "socket", _object_of(payload), status, time.perf_counter() - began)


def _object_of(payload: Any) -> str:
    """The chat that an event is about, if it names one."""
    named = parse_id(payload.get("sessionId")) if isinstance(payload, dict) else None
    return str(named) if named else ""


def _identify(socket: Socket, event: Event) -> Actor:
    most, seconds = parsed(event.limit)
    meta = Request(g.request_id, "EVENT", event.name, socket.meta.ip, socket.meta.user_agent)
    group = f"on-{event.name.replace(':', '-')}"
    actor = gate.identify(socket.token, meta, (group, most, seconds), kept=True, spends=event.spends)
    if not actor.may(event.permission):
        if actor.must_enrol:
            raise FactorRequired()
        where = target("event", "", event.name)
        record_alone(actor, Action.ACCESS_DENIED, where, outcome="denied", reason=event.permission)
        raise Denied()
    return actor


def _act(
    event: Event, handler: Handler, actor: Actor, body: type[BaseModel] | None, payload: Any
) -> dict[str, Any] | None:
    if body is not None and not isinstance(payload, dict):
        raise Invalid("The event takes one JSON object.")
    arguments = (body.model_validate(payload),) if body else ()
    with tenant_scope(actor.tenant_id, PURPOSE[event.permission], actor.user_id, actor.session_id):
        with unit_of_work() as session:
            return handler(actor, session, *arguments)


def _refusal(error: Exception, event: Event) -> tuple[int, dict[str, Any]]:
    if isinstance(error, ValidationError):
        error = invalid(error)
    if isinstance(error, (DataError, UnicodeError)):
        error = Invalid()
    if not isinstance(error, OnyxError):
        _log.exception("defect", handler=event.name, request_id=g.request_id, kind=type(error).__name__)
        error = Unavailable()
    return status_of(error), {"ok": False, "error": _told(error)}


def _told(error: OnyxError) -> dict[str, Any]:
    again = isinstance(error, (TooMany, Unavailable)) and not isinstance(error, QuotaReached)
    told = {**body_of(error), "retry": again}
    return {**told, "retryAfter": error.retry_after} if isinstance(error, TooMany) else told
