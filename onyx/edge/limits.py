"""Rate limits (G1): declared with Flask-Limiter's notation, counted where it is cheapest.

Routes of signed-in people are counted in the same Redis round trip that identifies them (onyx.edge.gate): for each
person over all their sessions, for each API key, and for each tenant. Routes for everybody are counted by
Flask-Limiter, for each address (onyx.edge.proxies).
"""

import math
import time
from functools import lru_cache

from flask import request
from flask_limiter import Limiter
from limits import parse

from onyx.core.secrets import email_digest

from .proxies import neighbourhood
from .state import state

DEFAULT = "600/minute"


def address() -> str:
    """The caller's address, as far as TRUSTED_PROXIES lets X-Forwarded-For be believed (F23)."""
    return neighbourhood(request.remote_addr or "unknown")


def account() -> str:
    """The account that a body's e-mail aims at, whatever address or program sends it (F23)."""
    email = email_sent()
    return email_digest(email).hex() if email else "none"


def email_sent() -> str:
    """The e-mail of the body, if it can be one."""
    email = text_sent("email")
    return email if len(email) <= 254 else ""


def text_sent(name: str) -> str:
    """A text of the JSON body, for those who count before the body is checked; empty for anything else."""
    try:
        sent = request.get_json(silent=True, force=True)
        text = sent.get(name) if isinstance(sent, dict) else None
        return text if isinstance(text, str) and text.encode() else ""
    except (RecursionError, UnicodeError):
        return ""


def once_within(name: str, times: int, seconds: int) -> bool:
    """Whether something happens within its first `times` in so many seconds, on all processes; this counts."""
    return state().counted.incr(name, seconds) <= times


def seconds_left() -> int:
    """How long the limit that this request passed still holds."""
    passed = limiter.current_limit
    if passed is None:
        return 60
    left = math.ceil(passed.reset_at - time.time())  # one too many where Redis counts the second that has begun
    return min(max(1, left), passed.limit.get_expiry())


limiter = Limiter(key_func=address, strategy="fixed-window", key_prefix="onyx:limit", swallow_errors=True)


@lru_cache(maxsize=256)
def parsed(limit: str) -> tuple[int, int]:
    """How many in how many seconds, of a limit like `30/minute`. Raises ValueError."""
    item = parse(limit)
    return item.amount, item.get_expiry()
