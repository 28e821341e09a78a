"""What a notice means for open sockets: ask anew for each that it may concern, and drop those whose session is over.

One socket that cannot be dropped keeps no other from it, and the notice is not acknowledged until all are (F33).
"""

import time
from collections.abc import Iterator
from functools import partial

import structlog
from flask import Flask

from onyx.access.ended import ended_among
from onyx.access.renewal import GRACE
from onyx.core.errors import AddressRefused, FactorRequired, Unauthenticated
from onyx.identity.changes import TOKEN
from onyx.tenancy.notices import Notice

from . import gate, judging
from .later import later
from .leaving import drop
from .live import may_watch
from .open_sockets import Socket, sockets_here

_log = structlog.get_logger()


def install(app: Flask) -> None:
    """Listen to the control bus."""
    app.extensions["onyx"].bus.subscribe(partial(obey, app))


def obey(app: Flask, notice: Notice) -> None:
    """Raises what kept a socket from being judged or dropped, after all the others were.

    A token that was replaced is good until its grace is over, also one with which nobody asks any more: whoever holds a
    copy would go on hearing what is said to the session.
    """
    if notice.kind == "stop":
        return
    if notice.reason == TOKEN:
        later(partial(_judge_after_the_grace, app, notice))
    else:
        _judge(app, notice)


def _judge_after_the_grace(app: Flask, notice: Notice) -> None:
    time.sleep(GRACE.total_seconds() + 1)
    _judge(app, notice)


def _judge(app: Flask, notice: Notice) -> None:
    concerned = [
        socket
        for socket in sockets_here()
        if socket.tenant == notice.tenant and notice.subject in (socket.session, socket.user, socket.tenant)
    ]
    with app.test_request_context():
        over = _over_of_many if notice.kind == "sessions" else _over_of_each
        trouble = drop(over(notice, concerned))
    if trouble:
        raise trouble[0]


def _over_of_many(notice: Notice, concerned: list[Socket]) -> Iterator[tuple[Socket, str]]:
    """Many sessions have ended: one query tells which of those that are served here."""
    over = ended_among(notice.tenant, [(socket.user, socket.session) for socket in concerned])
    return ((socket, over[socket.session]) for socket in concerned if socket.session in over)


def _over_of_each(notice: Notice, concerned: list[Socket]) -> Iterator[tuple[Socket, str]]:
    closed = notice.kind == "tenant" and judging.surely_closed(notice.tenant)
    for socket in concerned:
        reason = "tenant_suspended" if closed else _why_it_is_over(socket, notice)
        if reason:
            yield socket, reason


def _why_it_is_over(socket: Socket, notice: Notice) -> str | None:
    try:
        actor = gate.identify(socket.token, socket.meta, (gate.NOTICE, 10_000, 60), kept=True)
    except Unauthenticated as error:
        return error.reason or notice.reason
    except AddressRefused as error:
        return error.code
    except Exception:
        _log.exception("a socket could not be judged", kind=notice.kind)
        return notice.reason  # nobody can say that the session lives: the client comes back and asks
    if actor.must_enrol:
        return FactorRequired.code
    return "roles_changed" if socket.namespace == "/live" and not may_watch(actor) else None
