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

from onyx.core.each import in_each
from onyx.core.wire import Fixed

_log = structlog.get_logger()
MOST = 50_000
_BATCH = 500
_Seen = tuple[UUID, UUID, float]  # who, the session, when (Unix time)
_seen: dict[tuple[UUID, UUID, UUID], float] = {}
_used: dict[tuple[UUID, UUID, UUID], float] = {}

_WRITE = Fixed("""
update login_session s set last_seen_at = to_timestamp(v.at)
  from unnest(%s::uuid[], %s::uuid[], %s::float8[]) as v(user_id, id, at)
 where s.user_id = v.user_id and s.id = v.id and s.state = 'active' and s.last_seen_at < to_timestamp(v.at)
""")
_WRITE_KEYS = Fixed("""
update api_key k set last_used_at = to_timestamp(v.at)
  from unnest(%s::uuid[], %s::uuid[], %s::float8[]) as v(user_id, id, at)
 where k.user_id = v.user_id and k.id = v.id and k.revoked_at is null
   and coalesce(k.last_used_at < to_timestamp(v.at), true)
""")


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


def _flush(seen: dict[tuple[UUID, UUID, UUID], float], statement: Fixed) -> int:
    of: dict[UUID, list[_Seen]] = defaultdict(list)
    while seen:
        (tenant, user, session), at = seen.popitem()
        of[tenant].append((user, session, at))
    for found in of.values():
        found.sort(key=lambda one: (one[0], one[1]))  # one order for all processes: no deadlocks
    written = 0
    while of:
        batches = {tenant: found[:_BATCH] for tenant, found in of.items()}
        done = in_each("job:sessions", {tenant: [(statement, _arrays(batch))] for tenant, batch in batches.items()})
        for tenant in batches.keys() - done.keys():
            _log.warning("last seen waits", tenant=str(tenant))
            _put_back(seen, tenant, of.pop(tenant))
        written += sum(done.values())
        of = {tenant: found[_BATCH:] for tenant, found in of.items() if len(found) > _BATCH}
    return written


def _arrays(batch: list[_Seen]) -> tuple[str, ...]:
    """Users, sessions and times, each as PostgreSQL writes an array."""
    return tuple(f"{{{','.join(map(str, part))}}}" for part in zip(*batch, strict=True))


def _put_back(seen: dict[tuple[UUID, UUID, UUID], float], tenant: UUID, batch: list[_Seen]) -> None:
    recent = time.time() - 600  # a tenant that is gone must not be tried for ever
    for user, session, at in batch:
        if len(seen) < MOST and at > recent:
            seen.setdefault((tenant, user, session), at)
