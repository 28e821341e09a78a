"""Rate limits (G1): declared with Flask-Limiter's notation, counted where it is cheapest.

Routes of signed-in people are counted in the same Redis round trip that identifies them (onyx.edge.gate), for each
login session. Routes for everybody are counted by Flask-Limiter, for each address.
"""

from functools import lru_cache

from flask import request
from flask_limiter import Limiter
from limits import parse

DEFAULT = "600/minute"


def address() -> str:
    """The caller's address, as far as TRUSTED_PROXIES lets X-Forwarded-For be believed (F23)."""
    return request.remote_addr or "unknown"


limiter = Limiter(key_func=address, strategy="fixed-window", key_prefix="onyx:limit", swallow_errors=True)


@lru_cache(maxsize=256)
def parsed(limit: str) -> tuple[int, int]:
    """How many in how many seconds, of a limit like `30/minute`. Raises ValueError."""
    item = parse(limit)
    return item.amount, item.get_expiry()
