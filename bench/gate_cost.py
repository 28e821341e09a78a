"""What it costs to know who asks, in a process of its own: prints JSON.

Requests come through Flask's test client, so that what the gate sends to Redis and PostgreSQL can be counted; CPU is
this thread's own. Redis's part is measured by itself and taken off.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import redis
from sqlalchemy import event

from onyx.access.policy import Permission
from onyx.app import create_app
from onyx.core.actor import Request
from onyx.core.db import db
from onyx.edge import gate
from onyx.edge.http import authorize

ROUNDS, COUNT = 9, 400


def main() -> None:
    """Reads `{"person": {email, password}}` from stdin."""
    person = json.loads(sys.stdin.readline())["person"]
    app = create_app()
    bus = app.extensions["onyx"].bus
    bus.start(app)
    while not bus.trusted:
        time.sleep(0.05)
    client = app.test_client()
    token = client.post("/api/v1/auth/login", json=person).get_json()["data"]["token"]
    head = {"Authorization": f"Bearer {token}"}
    for _ in range(3):
        assert client.get("/api/v1/auth/check", headers=head).status_code == 204
    trips, checkouts = _counted(app, lambda: client.get("/api/v1/auth/check", headers=head))
    with app.app_context():
        found = {"trips": trips, "checkouts": checkouts, "identify": _identify(app, token)}
    print(json.dumps(found), flush=True)


def _counted(app: Any, work: Callable[[], Any]) -> tuple[int, int]:
    """Commands or pipelines sent to Redis by this thread, and connections to PostgreSQL taken out, for one request."""
    import threading

    me, seen = threading.get_ident(), {"trips": 0, "checkouts": 0}
    send = redis.Connection.send_packed_command

    def sent(self: Any, *what: Any, **more: Any) -> Any:
        seen["trips"] += threading.get_ident() == me
        return send(self, *what, **more)

    def taken(*_what: Any) -> None:
        seen["checkouts"] += threading.get_ident() == me

    with app.app_context():
        engines = list(db.engines.values())
    redis.Connection.send_packed_command = sent  # type: ignore[method-assign]
    for engine in engines:
        event.listen(engine, "checkout", taken)
    work()
    redis.Connection.send_packed_command = send  # type: ignore[method-assign]
    return seen["trips"], seen["checkouts"]


def _identify(app: Any, token: str) -> float:
    """Microseconds of CPU for identify and authorize, the round trip to Redis taken off."""
    meta = Request("bench", "GET", "/api/v1/auth/check", "127.0.0.1", "bench")
    limit = ("bench", 1_000_000, 60)

    def whole() -> None:
        authorize(gate.identify(token, meta, limit), Permission.PROFILE_READ)

    sent: list[Any] = []
    store = app.extensions["onyx"].store
    run = store.run
    store.run = lambda *what: sent.append(what) or run(*what)
    whole()
    store.run = run
    return median(_cpu(whole) - _cpu(lambda: run(*sent[0])) for _ in range(ROUNDS))


def _cpu(work: Callable[[], Any]) -> float:
    began = time.thread_time()
    for _ in range(COUNT):
        work()
    return (time.thread_time() - began) / COUNT * 1e6


if __name__ == "__main__":
    main()
