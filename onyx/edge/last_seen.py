"""When a login session was last seen: remembered in memory at each request, written in batches every 20 seconds.

A request pays for one entry in a dictionary. A killed process loses 20 seconds of "last seen", nothing else; the sweep
of idle sessions leaves a minute for that.
"""

import threading
import time
from collections import defaultdict
from uuid import UUID

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from onyx.core.db import unit_of_work
from onyx.core.errors import Unavailable
from onyx.core.scope import tenant_scope

_log = structlog.get_logger()
MOST = 50_000
_BATCH = 500
_seen: dict[tuple[UUID, UUID, UUID], float] = {}
_used: dict[tuple[UUID, UUID, UUID], float] = {}

_WRITE = """
update login_session s set last_seen_at = to_timestamp(v.at)
  from unnest(%s::uuid[], %s::uuid[], %s::float8[]) as v(user_id, id, at)
 where s.user_id = v.user_id and s.id = v.id and s.state = 'active' and s.last_seen_at < to_timestamp(v.at)
"""
_WRITE_KEYS = """
update api_key k set last_used_at = to_timestamp(v.at)
  from unnest(%s::uuid[], %s::uuid[], %s::float8[]) as v(user_id, id, at)
 where k.user_id = v.user_id and k.id = v.id and k.revoked_at is null
   and coalesce(k.last_used_at < to_timestamp(v.at), true)
"""


def touch(tenant: UUID, user: UUID, session: UUID, by_key: bool = False) -> None:
    """A request or event of this session, or with this API key, came just now."""
    seen = _used if by_key else _seen
    if len(seen) < MOST or (tenant, user, session) in seen:
        seen[tenant, user, session] = time.time()


def start(app: Flask, every: float = 20.0) -> None:
    """Write in the background."""

    def run() -> None:
        pause = threading.Event()
        while not pause.wait(every):
            try:
                with app.app_context():
                    flush()
            except Exception:
                _log.exception("last seen not written")

    threading.Thread(target=run, daemon=True, name="last-seen").start()


def flush() -> int:
    """Write what was seen since the last time; what cannot be written now waits. Needs an app context."""
    return _flush(_seen, _WRITE) + _flush(_used, _WRITE_KEYS)


def _flush(seen: dict[tuple[UUID, UUID, UUID], float], statement: str) -> int:
    of: dict[UUID, list[tuple[UUID, UUID, float]]] = defaultdict(list)
    while seen:
        (tenant, user, session), at = seen.popitem()
        of[tenant].append((user, session, at))
    written = 0
    for tenant, found in of.items():
        found.sort(key=lambda one: (one[0], one[1]))  # one order for all processes: no deadlocks
        for first in range(0, len(found), _BATCH):
            batch = found[first : first + _BATCH]
            try:
                written += _write(tenant, statement, batch)
            except (SQLAlchemyError, Unavailable) as error:
                _log.warning("last seen waits", tenant=str(tenant), error=type(error).__name__)
                _put_back(seen, tenant, batch)
    return written


def _write(tenant: UUID, statement: str, batch: list[tuple[UUID, UUID, float]]) -> int:
    users, sessions, times = (list(part) for part in zip(*batch, strict=True))
    with tenant_scope(tenant, "job:sessions"), unit_of_work() as session:
        return session.connection().exec_driver_sql(statement, (users, sessions, times)).rowcount


def _put_back(seen: dict[tuple[UUID, UUID, UUID], float], tenant: UUID, batch: list[tuple[UUID, UUID, float]]) -> None:
    recent = time.time() - 600  # a tenant that is gone must not be tried for ever
    for user, session, at in batch:
        if len(seen) < MOST and at > recent:
            seen.setdefault((tenant, user, session), at)
