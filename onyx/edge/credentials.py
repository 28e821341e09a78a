"""What is asked of a login session's and of an API key's rows in PostgreSQL, when Redis cannot say (S6, I8)."""

import hmac
from typing import Any

from onyx.access.held import EXTRA, ROLES, UNTIL
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor
from onyx.core.errors import Unauthenticated
from onyx.core.wire import Fixed
from onyx.identity.tokens import Claims

from .state import state
from .store import Away, key

# Why a socket is closed whose session lives on with another token than the one that it came with.
RENEWED = "renewed"

# Both say the same of the person: what either finds fills the person's entry.
PERSON = Fixed(f"""
select s.state, s.end_reason, s.token_digest, s.previous_digest, s.rotated_at > now() - interval '10 seconds' as fresh,
       s.last_seen_at + s.idle_seconds * interval '1 second' < now() as idle, s.idle_seconds,
       extract(epoch from s.last_seen_at - now())::integer + s.idle_seconds as idle_left, s.expires_at < now() as over,
       u.status, u.email, p.display_name, p.preferences,
       {ROLES}, {EXTRA}, {UNTIL},
       exists (select 1 from totp t where t.user_id = u.id and t.confirmed_at is not null)
         or exists (select 1 from passkey k where k.user_id = u.id) as has_factor
  from login_session s join app_user u on u.id = s.user_id join profile p on p.user_id = u.id
 where s.user_id = %s and s.id = %s
""")

HOLDER = Fixed(f"""
select k.name, s.digest, k.permissions, k.revoked_at is not null as revoked, k.expires_at < now() as over,
       u.status, u.email, p.display_name, p.preferences,
       {ROLES}, {EXTRA}, {UNTIL},
       exists (select 1 from totp t where t.user_id = u.id and t.confirmed_at is not null)
         or exists (select 1 from passkey w where w.user_id = u.id) as has_factor
  from api_key k join api_key_secret s on s.user_id = k.user_id and s.id = k.id
  join app_user u on u.id = k.user_id join profile p on p.user_id = u.id
 where k.user_id = %s and k.id = %s
""")


def key_must_live(nobody: Actor, claims: Claims, row: Any, digest: bytes) -> None:
    """Raise Unauthenticated unless the key is there, genuine, not revoked, and its person active.

    The use of a revoked key is recorded as done by `nobody`.
    """
    if row is None or not hmac.compare_digest(row.digest, digest):
        raise Unauthenticated()
    if row.over or row.status != "active":
        raise Unauthenticated(reason="expired" if row.over else "suspended")
    if row.revoked:
        if _first_in_a_minute(claims):
            what = target("api_key", claims.session, row.name)
            record_alone(nobody, Action.API_KEY_REFUSED, what, outcome="denied", reason="revoked")
        raise Unauthenticated(reason="key_revoked")


def was_replaced(row: Any, digest: bytes) -> bool:
    """Whether a genuine token of a live session was replaced longer ago than its grace: by the last renewal, or by one
    before, since a token is renewed once in ten seconds at most. Else a thief would renew twice, and be safe.
    """
    if row is None or row.state != "active" or row.previous_digest is None or digest == row.token_digest:
        return False
    return digest != row.previous_digest or not row.fresh


def session_must_live(row: Any, digest: bytes) -> None:
    """Raise Unauthenticated, with the reason, unless the session lives and the token is its own."""
    if row is None:
        raise Unauthenticated()
    if row.state != "active":
        raise Unauthenticated(reason=row.end_reason)
    if row.status != "active":
        raise Unauthenticated(reason="suspended")
    if row.over or row.idle:
        raise Unauthenticated(reason="expired" if row.over else "idle")
    if digest != row.token_digest and not (digest == row.previous_digest and row.fresh):
        raise Unauthenticated(reason=RENEWED if was_replaced(row, digest) else None)


def _first_in_a_minute(claims: Claims) -> bool:
    """A program that goes on with a revoked key leaves a line each minute, not one for each try."""
    store = state().store
    try:
        name = key(claims.tenant, "refused", claims.session)
        return bool(store.call(store.client.set, name, b"1", ex=60, nx=True))
    except Away:
        return True
