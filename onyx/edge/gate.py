"""Identify: from a token to an actor, in one Redis round trip, or from PostgreSQL when Redis cannot be believed (S1, S6).

The round trip brings the session's entry, the person's entry (roles as they are now), the tenant's state and the
count for the rate limit. An entry is believed only when it carries the generation that PostgreSQL holds.
"""

import json
import time
from functools import lru_cache
from typing import Any
from uuid import UUID

from onyx.access.ending import end
from onyx.access.policy import PLATFORM_SLUG, UNTIL_ENROLLED, permissions_of, permissions_of_key
from onyx.core.actor import Actor, Bounds, Request
from onyx.core.db import rows, unit_of_work
from onyx.core.errors import TooMany, Unauthenticated
from onyx.core.scope import Scope, tenant_scope
from onyx.identity import keys, tokens
from onyx.identity.models import LoginSession
from onyx.tenancy.settings import of as settings_in
from onyx.tenancy.walls import control_plane

from . import bounds, credentials, last_seen
from .entries import DEAD, ENTRY_SECONDS
from .state import state
from .store import Away, key

FRESH_SECONDS = 2.0  # what was read longer ago may be older than a person's tombstone, which stands for five seconds
NOTICE = "notice"  # Onyx itself asks, for sockets that a notice may concern: that is no use of the session

# The entry of a session that is marked as ended gets no new life: asking on would let it outlive the mark. Nor does a
# tombstone get a shorter one: it must outlast whoever read the row before it was laid.
_LOOK = """
local count = redis.call('INCR', KEYS[4])
if count == 1 then redis.call('EXPIRE', KEYS[4], ARGV[1]) end
local all = redis.call('INCRBY', KEYS[6], ARGV[3])
if all <= 1 then redis.call('EXPIRE', KEYS[6], 61) end
local session, ended = redis.call('GET', KEYS[1]), redis.call('EXISTS', KEYS[5])
if session and session ~= '-' and ended == 0 and ARGV[3] ~= '0' then
  local idle = tonumber(string.match(session, '"idle":(%d+)}$') or 1)
  redis.call('EXPIRE', KEYS[1], math.min(tonumber(ARGV[2]), idle))
end
local used = {}
for n = 7, #KEYS do
  used[n - 6] = session and ended == 0 and redis.call('EXISTS', KEYS[n]) == 1 and redis.call('INCR', KEYS[n]) or -1
end
return {session, redis.call('GET', KEYS[2]), redis.call('EXISTS', KEYS[3]) + ended, count, all, used}
"""


def identify(
    token: str, request: Request, limit: tuple[str, int, int], kept: bool = False, spends: str | None = None
) -> Actor:
    """The actor behind a token, at this moment.

    `limit` is (group, how many, seconds); `kept` says that Onyx kept the token of an open socket: when it has been
    replaced meanwhile, that is no sign of a thief. `spends` is the daily quota of which this request takes one.
    Raises Unauthenticated with the reason why a session is over, TooMany when the limit is passed, AddressRefused and
    DailyQuotaReached for what the organisation does not allow.
    """
    claims = keys.read(token) if keys.looks_like_key(token) else tokens.read(token)
    if claims is None:
        raise Unauthenticated()
    digest = tokens.digest(token)
    with bounds.Spending.of(claims, spends, counts=limit[0] != NOTICE) as spending:
        actor = _found(claims, digest, request, limit, kept, spending)
        actor = bounds.checked(actor, spending)
    if limit[0] != NOTICE:  # being asked about by Onyx itself is not being there
        last_seen.touch(claims.tenant, claims.user, claims.session, claims.by_key)
    return actor


def _found(
    claims: tokens.Claims,
    digest: bytes,
    request: Request,
    limit: tuple[str, int, int],
    kept: bool,
    spending: bounds.Spending,
) -> Actor:
    session, found, gate = _look(claims, digest, limit, spending)
    person = json.loads(found) if session and found and not gate else None
    until = person.get("until", 0.0) if person else 0.0  # when a grant ends; an older Onyx did not say
    if session and person and (until is None or until > time.time()):
        return _actor(claims, person, request, session)
    used = limit[0] != NOTICE
    brief = state().brief.get(digest) if state().store.away and used else None
    return _actor(claims, brief[1], request, brief[0]) if brief else _from_database(claims, digest, request, kept, used)


def _look(
    claims: tokens.Claims, digest: bytes, limit: tuple[str, int, int], spending: bounds.Spending
) -> tuple[bytes | None, bytes | None, bool]:
    here = state()
    now = time.time()
    counter, everybody = _counters(claims, limit, now)
    names = [
        _entry(claims, digest),
        key(claims.tenant, "user", claims.user),
        key(claims.tenant, "gate"),
        counter,
        key(claims.tenant, "ended", claims.session),
        everybody,
        *spending.keys,
    ]
    life = max(1, min(ENTRY_SECONDS, int(claims.expires - now)))
    counted = int(limit[0] != NOTICE)
    try:
        arguments = [limit[2] + 1, life, counted]
        session, person, gate, count, all, spending.used = here.store.run(_LOOK, names, arguments)
    except Away:
        here.bus.suspect()
        session, person, gate = None, None, 0
        count, all = here.counts.add(counter, limit[2]), here.counts.add(everybody, 60, counted)
    if here.settings.rate_limits:
        _must_not_be_too_many(count, limit[1], limit[2], now)
        _must_not_be_too_many(all, here.settings.tenant_requests_per_minute, 60, now)
    believed = session is not None and session != DEAD and here.bus.believes(session)
    return session if believed else None, None if person == DEAD else person, gate > 0


def _counters(claims: tokens.Claims, limit: tuple[str, int, int], now: float) -> tuple[str, str]:
    """The keys of what is counted: of the person, in all their sessions, or of the API key; and of the tenant (G1)."""
    who = claims.session if claims.by_key else claims.user
    counter = key(claims.tenant, "limit", limit[0], who, int(now // limit[2]))
    return counter, key(claims.tenant, "limit", "all", int(now // 60))


def _must_not_be_too_many(count: int, most: int, seconds: int, now: float) -> None:
    if count > most:
        raise TooMany(retry_after=max(1, int(seconds - now % seconds)))


def _entry(claims: tokens.Claims, digest: bytes) -> str:
    return key(claims.tenant, "auth", "key" if claims.by_key else "session", digest.hex())


def _actor(claims: tokens.Claims, person: dict[str, Any], request: Request, entry: bytes | str) -> Actor:
    roles = tuple(person["roles"])
    must_enrol = bool(person.get("must_enrol"))
    whole = (
        UNTIL_ENROLLED if must_enrol else _permissions(roles, tuple(person["extra"]), person["slug"] == PLATFORM_SLUG)
    )
    allowed = permissions_of_key(frozenset(json.loads(entry)["scopes"].split()), whole) if claims.by_key else whole
    return Actor(
        tenant_id=claims.tenant,
        tenant_slug=person["slug"],
        tenant_name=person["tenant"],
        user_id=claims.user,
        email=person["email"],
        name=person["name"],
        roles=roles,
        permissions=allowed,
        session_id=claims.session,
        kind="api_key" if claims.by_key else "user",
        preferences=person["preferences"],
        request=request,
        ceiling=whole,
        must_enrol=must_enrol,
        bounds=_bounds(person.get("bounds") or {}),
    )


@lru_cache(maxsize=512)
def _permissions(roles: tuple[str, ...], extra: tuple[str, ...], in_platform: bool) -> frozenset[str]:
    return permissions_of(roles, PLATFORM_SLUG if in_platform else "", extra)


def _bounds(said: dict[str, Any]) -> Bounds:
    return Bounds(**{**said, "networks": tuple(said.get("networks", ()))})


_TENANT = "select slug, name, status, settings from tenant where id = %s"


def _from_database(claims: tokens.Claims, digest: bytes, request: Request, kept: bool, used: bool) -> Actor:
    scope = Scope(claims.tenant, "auth", claims.user, claims.session)
    # Before anything is read: an entry must not claim a generation that began after what it holds.
    began = time.monotonic()
    entry = state().bus.stamp(user=str(claims.user), tenant=str(claims.tenant), session=str(claims.session))
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(_TENANT, (claims.tenant,))
        tenant = found.one_or_none()
    if tenant is None or tenant.status != "active":
        raise Unauthenticated(reason="tenant_suspended" if tenant else None)
    with tenant_scope(scope.tenant, "auth", scope.user, scope.session), unit_of_work() as session:
        found_rows = rows(
            session, credentials.HOLDER if claims.by_key else credentials.PERSON, claims.user, claims.session
        )
    row: Any = found_rows[0] if found_rows else None
    if claims.by_key:
        nobody = anonymous(claims.tenant, tenant.slug, tenant.name, request, claims.user)
        credentials.key_must_live(nobody, claims, row, digest)
    else:
        if not kept and credentials.was_replaced(row, digest):
            _end_family(claims, tenant, row, request)
        credentials.session_must_live(row, digest)
    person = _person(tenant, row)
    if claims.by_key:
        entry = _with_scopes(entry, row.permissions)
    if state().store.away:
        state().brief.keep(digest, began, entry, person)
    # A token that was replaced gets no entry that could outlive its grace, nor does what was read too long ago.
    if (claims.by_key or digest == row.token_digest) and time.monotonic() - began < FRESH_SECONDS:
        idle = ENTRY_SECONDS if claims.by_key else row.idle_seconds
        life = idle if used or claims.by_key else min(idle, row.idle_left)
        _write_through(claims, digest, f'{entry[:-1]},"idle":{idle}}}', life, person)
    return _actor(claims, person, request, entry)


def _person(tenant: Any, row: Any) -> dict[str, Any]:
    """A person's entry: what both statements of onyx.edge.credentials say of them, and what binds each of the tenant's."""
    settings = settings_in(tenant.settings)
    return {
        "slug": tenant.slug,
        "tenant": tenant.name,
        "email": row.email,
        "name": row.display_name,
        "preferences": row.preferences,
        "roles": row.roles,
        "extra": row.extra,
        "until": row.until,
        "must_enrol": settings.require_mfa and not row.has_factor,
        "bounds": bounds.of(settings),
    }


def _with_scopes(entry: str, scopes: list[str]) -> str:
    """A key's entry: also what the key may do. The generation stays that of before anything was read."""
    return json.dumps({**json.loads(entry), "scopes": " ".join(scopes)}, separators=(",", ":"))


def _end_family(claims: tokens.Claims, tenant: Any, row: Any, request: Request) -> None:
    """A token that was replaced comes back after its grace: somebody else may hold it, so the session ends (F25).

    Raises Unauthenticated.
    """
    actor = anonymous(claims.tenant, tenant.slug, tenant.name, request, claims.user, row.email)
    with tenant_scope(claims.tenant, "auth", claims.user, claims.session), unit_of_work() as session:
        found = session.get(LoginSession, (claims.user, claims.session), with_for_update=True)
        if found is not None:
            end(session, actor, found, "revoked", "token_reused")
    raise Unauthenticated(reason="token_reused")


# Entries of an older generation are overwritten, the person's together with the session's, so that a session that is
# believed never stands beside roles from before. A tombstone, laid by a change that is under way, is not overwritten
# by what was read before the change.
_KEEP = """
for n = 1, 2 do
  if redis.call('GET', KEYS[n]) ~= '-' then redis.call('SET', KEYS[n], ARGV[2 * n - 1], 'EX', ARGV[2 * n]) end
end
return 1
"""


def _write_through(claims: tokens.Claims, digest: bytes, entry: str, idle: int, person: dict[str, Any]) -> None:
    here = state()
    life = max(1, min(idle, ENTRY_SECONDS, int(claims.expires - time.time())))
    store = here.store
    try:
        if not here.bus.trusted:
            return
        names = [_entry(claims, digest), key(claims.tenant, "user", claims.user)]
        store.run(_KEEP, names, [entry, life, json.dumps(person, default=str), ENTRY_SECONDS])
    except Away:
        return


def anonymous(tenant: UUID, slug: str, name: str, request: Request, user: UUID | None = None, email: str = "") -> Actor:
    """The actor of something that happens before anybody is signed in."""
    return Actor(tenant, slug, name, user, email, email, kind="anonymous", request=request)
