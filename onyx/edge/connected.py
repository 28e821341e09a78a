"""How many sockets each tenant has open, as every process says of itself each second: one look at Redis for many."""

import time
from uuid import UUID

from .state import state
from .store import Away, key


def connected(tenants: list[UUID]) -> dict[UUID, int]:
    """Open sockets of some tenants, over all processes; empty while Redis is away."""
    store, now = state().store, time.time()
    pipe = store.client.pipeline(transaction=False)
    for tenant in tenants:
        pipe.hvals(key(tenant, "sockets"))
    try:
        told = store.call(pipe.execute) if tenants else []
    except Away:
        return {}
    return {tenant: sum(_fresh(text, now) for text in texts) for tenant, texts in zip(tenants, told, strict=True)}


def _fresh(text: bytes, now: float) -> int:
    count, at = text.split()
    return int(count) if int(at) >= now - 4 else 0
