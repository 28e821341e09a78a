"""What an organisation sets for each request: from which networks people come, and what they use up in a day (T10).

Daily quotas are counted in the gate's own round trip to Redis: one is taken before the act and given back when nothing
came of it, so that of many at once none comes too much. PostgreSQL knows a day's sum as well (usage_day): from it a
counter begins that Redis does not have, and it decides alone while Redis is away.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import UUID

from onyx.access.quotas import tell_once, used_today
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor
from onyx.core.errors import AddressRefused, DailyQuotaReached, QuotaReached
from onyx.core.networks import is_inside
from onyx.identity.tokens import Claims
from onyx.tenancy.settings import TenantSettings

from .state import state
from .store import Away, key

DAY = 86_400
MESSAGES, API_CALLS = "messages", "api_calls"
_BEGIN = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'NX')
return redis.call('INCR', KEYS[1])
"""
_GIVE_BACK = "if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('DECR', KEYS[1]) end"


@dataclass(slots=True)
class Spending:
    """What one request takes of daily quotas; leaving its block by an exception gives all of it back.

    `used` is what Redis counted, this request included; -1 where it has not counted.
    """

    tenant: UUID
    quotas: tuple[str, ...]
    used: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, claims: Claims, spends: str | None, counts: bool = True) -> Self:
        """What a request spends: with an API key also a call, unless Onyx itself asks (`counts` is False)."""
        calls = (API_CALLS,) if claims.by_key and counts else ()
        return cls(claims.tenant, calls if spends is None else (*calls, spends))

    @property
    def keys(self) -> list[str]:
        return [_counter(self.tenant, quota) for quota in self.quotas]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is not None:
            give_back(self.tenant, *(quota for quota, used in zip(self.quotas, self.used, strict=False) if used > 0))


def of(settings: TenantSettings) -> dict[str, Any]:
    """The part of the settings that the person's entry in Redis carries."""
    return {
        "networks": settings.ip_allow,
        "messages": settings.quota_messages_daily,
        "api_calls": settings.quota_api_calls_daily,
        "own_model": settings.model_base_url is not None,
    }


def checked(actor: Actor, spending: Spending) -> Actor:
    """The actor, with what its organisation does not let it spend any more.

    Raises AddressRefused, and DailyQuotaReached for a call with an API key; both are recorded.
    """
    networks = actor.bounds.networks
    if networks and not is_inside(actor.request.ip, networks):
        _record_address(actor)
        raise AddressRefused()
    for number, quota in enumerate(spending.quotas):
        limit = actor.bounds.messages if quota == MESSAGES else actor.bounds.api_calls
        if limit is None:
            continue
        used = spending.used[number] if number < len(spending.used) else -1
        if used < 0:
            used = _begin(actor, quota)
            spending.used = [*spending.used[:number], used, *spending.used[number + 1 :]]
        if used > limit:
            actor = _over(actor, DailyQuotaReached(quota, limit, max(1, int(DAY - time.time() % DAY))))
    return actor


@contextmanager
def kept_to(actor: Actor, spends: str | None) -> Iterator[None]:
    """Run an act: what it spends is given back when it fails, and a quota that it comes up against is recorded."""
    try:
        yield
    except BaseException as error:
        if spends is not None and actor.spent is None:
            give_back(actor.tenant_id, spends)
        if isinstance(error, QuotaReached):
            tell(actor, error)
        raise


def give_back(tenant: UUID, *quotas: str) -> None:
    """Take back what was counted for an act of which nothing came."""
    store = state().store
    with suppress(Away):
        for quota in quotas:
            store.run(_GIVE_BACK, [_counter(tenant, quota)], [])


def tell(actor: Actor, reached: QuotaReached) -> None:
    """Record once a day that a quota is reached, however many are refused."""
    store, name = state().store, key(actor.tenant_id, "quota-told", reached.quota, _today())
    with suppress(Away):
        if not store.call(store.client.set, name, b"1", ex=DAY, nx=True):
            return
    tell_once(actor, reached)


def _over(actor: Actor, reached: DailyQuotaReached) -> Actor:
    """A message that was stored before may be sent again, so that one who did not hear of it does: see chat.turns."""
    if reached.quota != MESSAGES:
        tell(actor, reached)
        raise reached
    give_back(actor.tenant_id, MESSAGES)
    return replace(actor, spent=reached)


def _begin(actor: Actor, quota: str) -> int:
    """How much is used, this request included, of a quota that Redis did not count."""
    used = used_today(actor, quota)
    store = state().store
    try:
        return int(store.run(_BEGIN, [_counter(actor.tenant_id, quota)], [used, 2 * DAY]))
    except Away:
        return used + 1


def _record_address(actor: Actor) -> None:
    """A browser that goes on asking from outside leaves a line each minute, not one for each try."""
    store = state().store
    with suppress(Away):
        if not store.call(store.client.set, key(actor.tenant_id, "outside", actor.session_id), b"1", ex=60, nx=True):
            return
    where = target("route", "", f"{actor.request.method} {actor.request.route}")
    record_alone(actor, Action.ACCESS_DENIED, where, outcome="denied", reason=AddressRefused.code)


def _counter(tenant: UUID, quota: str) -> str:
    return key(tenant, "quota", quota, _today())


def _today() -> int:
    """Days since 1970, UTC."""
    return int(time.time() // DAY)
