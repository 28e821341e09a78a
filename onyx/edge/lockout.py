"""A front door that too many failures have closed: for an account, whatever address or program they came from (S7).

It opens by itself after a quarter of an hour, at once when an administrator unlocks it or a one-time link sets a new
password. Only so many times a day: the same e-mail may sign in to other organisations, whose people must not get more
guesses because somebody here keeps unlocking.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

from flask_limiter import RequestLimit
from limits import parse_many
from limits.strategies import FixedWindowRateLimiter

from onyx.core import outbox
from onyx.core.actor import Actor, Request
from onyx.core.errors import TooMany
from onyx.core.secrets import email_digest as digest_of

from .at_once import few_at_once
from .limits import limiter, once_within
from .state import state

PASSWORDS = "10 per 15 minutes"
CODES = "10 per 15 minutes; 50 per day"
UNLOCKS = 5
AT_ONCE = 4
_CLOSED = "There were too many wrong passwords or codes. Wait a quarter of an hour."
_DAY = 86_400
_PREFIX, _BY_PASSWORD, _BY_CODE = "onyx:limit", "sign_in", "second_step"
_listeners: list[Callable[[str, Request], None]] = []


def on_closed(function: Callable[[str, Request], None]) -> None:
    """Call a function `(email, request)` for each try that meets a closed door inside a login session."""
    _listeners.append(function)


def by_password(account: Callable[[], str], on_breach: Callable[[RequestLimit], None]) -> Any:
    """Limit failures of a route for each account: those that end with 401."""
    return limiter.shared_limit(
        PASSWORDS, scope=_BY_PASSWORD, key_func=account, deduct_when=_failed, on_breach=on_breach
    )


def by_code(person: Callable[[], str], on_breach: Callable[[RequestLimit], None]) -> Any:
    """The same of wrong codes, for each person."""
    return limiter.shared_limit(CODES, scope=_BY_CODE, key_func=person, deduct_when=_failed, on_breach=on_breach)


def one_try(about: str) -> AbstractContextManager[None]:
    """Refuse more than a few tries for one account at the same moment. Raises TooMany.

    A failure counts when it is over: of a hundred tries at once, all would be made before the first one counted.
    """
    return few_at_once(f"onyx:trying:{digest_of(about).hex()}", AT_ONCE, 30)


@contextmanager
def guessing(actor: Actor, code: bool) -> Iterator[Callable[[], None]]:
    """One try of somebody who is signed in to show their password, or a code; yields what to call when it was wrong.

    It counts as one at the front door: whoever found an open browser gets no guesses beside those. Raises TooMany.
    """
    assert actor.user_id is not None
    if not state().settings.rate_limits:
        yield lambda: None
        return
    windows = FixedWindowRateLimiter(state().counted)
    counters = [(item, n) for item, n in _counters(digest_of(actor.email), actor.user_id) if (n[2] == _BY_CODE) is code]
    with one_try(f"second step of {actor.user_id.hex}" if code else actor.email):
        for item, names in counters:
            if not windows.test(item, *names):
                for listener in _listeners:
                    listener(actor.email, actor.request)
                left = windows.get_window_stats(item, *names).reset_time - time.time()
                raise TooMany(_CLOSED, retry_after=max(1, math.ceil(left)))
        yield lambda: _count(windows, counters)


def _count(windows: FixedWindowRateLimiter, counters: list[Any]) -> None:
    for item, names in counters:
        windows.hit(item, *names)


def is_locked(email_digest: bytes, user: UUID) -> bool:
    """Whether somebody cannot sign in at this moment, were their password right."""
    windows = FixedWindowRateLimiter(state().counted)
    return any(not windows.test(item, *names) for item, names in _counters(email_digest, user))


def after_reset(email_digest: bytes, user: UUID) -> None:
    """A new password was set: what was tried with the old one counts no more."""
    if is_locked(email_digest, user) and may_unlock(email_digest):
        unlock(email_digest, user)


def may_unlock(email_digest: bytes) -> bool:
    """Whether the account may be unlocked once more today; this counts."""
    return once_within(f"onyx:unlocked:{email_digest.hex()}", UNLOCKS, _DAY)


@outbox.carrier("account.unlocked")
def unlock(email_digest: bytes, user: UUID) -> None:
    """Forget the failures of an account."""
    windows = FixedWindowRateLimiter(state().counted)
    for item, names in _counters(email_digest, user):
        windows.clear(item, *names)
    state().counted.clear(f"onyx:blocked:{email_digest.hex()}")


def _counters(email_digest: bytes, user: UUID) -> list[tuple[Any, tuple[str, str, str]]]:
    return [(item, (_PREFIX, email_digest.hex(), _BY_PASSWORD)) for item in parse_many(PASSWORDS)] + [
        (item, (_PREFIX, user.hex, _BY_CODE)) for item in parse_many(CODES)
    ]


def _failed(response: Any) -> bool:
    return bool(response.status_code == 401)
