"""After a restore in place: what Redis keeps of the tenant goes, and every process hears of it at once.

The restore's own transaction holds a notice and a new generation of the cache, so that all of this comes to pass within
two seconds even if nobody gets this far, or Redis is away.
"""

from typing import Any
from uuid import UUID

import structlog

from config.settings import Settings
from onyx.edge.bus import spread
from onyx.edge.store import Away, Store
from onyx.tenancy.notices import Notice

from .restore import REASON

_log = structlog.get_logger()
_KINDS = ("auth", "chats", "session", "user")


def tell(store: Store, went: dict[str, Any]) -> dict[str, Any]:
    """Carry out what a restore left to do, given what it says of itself; returns that, for whoever asked."""
    tenant = UUID(went["tenant_id"])
    told = {name: value for name, value in went.items() if name != "notice"}
    try:
        for kind in _KINDS if went["in_place"] else ():
            _forget(store, f"t:{tenant}:{kind}:*")
        spread(store, Notice(UUID(went["notice"]), tenant, "tenant", tenant, REASON))
    except Away:
        _log.warning("redis away: every process finds this restore by polling", tenant=str(tenant))
    return told


def store(settings: Settings) -> Store:
    """Redis, as the web processes use it."""
    return Store(settings.redis_cache_url or settings.redis_url)


def _forget(store: Store, pattern: str) -> None:
    cursor = 0
    while True:
        cursor, names = store.call(store.client.scan, cursor, match=pattern, count=1000)
        if names:
            store.call(store.client.delete, *names)
        if cursor == 0:
            return
