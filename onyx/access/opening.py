"""Opening login sessions: what signing in by password and by single sign-on both come down to (S1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, record_alone, target
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.db import rows
from onyx.core.errors import AddressRefused, WrongCredentials
from onyx.core.ids import uuid7
from onyx.core.networks import is_inside
from onyx.core.scope import current_scope
from onyx.core.wire import Fixed
from onyx.identity import tokens
from onyx.identity.models import LoginSession
from onyx.tenancy.live_sessions import expect
from onyx.tenancy.settings import settings_of

from .ending import end
from .session_policy import NAMES, Policy, over

_MAY_ENTER = Fixed("select may_enter(%s::uuid, %s::text) as may")
_SEEN = Fixed("update profile set last_login_at = now() where user_id = %s")
# The session's person is who was seen: so the profile is locked before a trigger reads the name from it (tenant/0062).
_OPEN = Fixed("""
with seen as (update profile set last_login_at = now() where user_id = %s returning user_id)
insert into login_session (user_id, id, token_digest, idle_seconds, expires_at, remember, ip, user_agent, device)
values ((select user_id from seen), %s, decode(%s, 'hex'), %s, %s, %s, %s, %s, %s)
""")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh token and the session it stands for; the token is never seen again."""

    token: str
    session_id: UUID
    expires_at: datetime


def open_session(
    session: Session, actor: Actor, user: UUID, defaults: Policy, remember: bool, device: str,
    factor: str | None = None, compared: str | None = None, replaces: bytes | None = None,
) -> SignedIn:  # fmt: skip
    """Open a login session for a person who has proved who they are, by `factor` or a password; purpose `auth`.

    The organisation's policy counts, over the installation's `defaults`; where it bounds how many somebody may have,
    the oldest ones end. `replaces` is the digest of a token whose session ends with this sign-in: it is not counted.
    Raises AddressRefused, once recorded, for somebody who comes from where the organisation lets nobody in, and as
    must_be_let_in() does.
    """
    decided = settings_of(current_scope())
    _must_come_from_within(actor, decided.ip_allow)
    must_be_let_in(session, user, compared)
    policy = over(decided.model_dump(include=set(NAMES)), defaults)
    _make_room(session, actor, user, policy, replaces)
    id, expires_at = uuid7(), policy.ends(now(), remember)
    token = tokens.issue(user, actor.tenant_id, id, expires_at)
    agent, digest = actor.request.user_agent[:300], tokens.digest(token).hex()
    made = (id, digest, policy.idle_seconds, expires_at, remember, actor.request.ip, agent, device)
    rows(session, _OPEN, user, *made)
    expect(id, expires_at, actor.request.ip, device, min(policy.idle_seconds, policy.absolute_seconds))
    record(session, actor, Action.SESSION_CREATED, target("session", id, device), remember=remember, factor=factor)
    return SignedIn(token, id, expires_at)


def must_be_let_in(session: Session, user: UUID, compared: str | None = None) -> None:
    """Have a suspension and, where a password was `compared` with this hash, a new password wait for this transaction.

    It comes before locks on the person's other rows. Raises WrongCredentials when either has happened meanwhile.
    """
    if not rows(session, _MAY_ENTER, user, compared)[0].may:
        raise WrongCredentials()


def _must_come_from_within(actor: Actor, networks: tuple[str, ...]) -> None:
    if networks and not is_inside(actor.request.ip, networks):
        where = target("route", "", f"{actor.request.method} {actor.request.route}")
        record_alone(actor, Action.ACCESS_DENIED, where, outcome="denied", reason=AddressRefused.code)
        raise AddressRefused()


def _make_room(session: Session, actor: Actor, user: UUID, policy: Policy, replaces: bytes | None) -> None:
    """End the oldest live sessions of a person, so that there is room for one more; one that ends anyway takes none."""
    if policy.most is None:
        return
    rows(session, _SEEN, user)  # locks it: one after the other, so that none is not counted
    found = session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user, LoginSession.state == "active")
        .order_by(LoginSession.created_at, LoginSession.id)
        .with_for_update()
    ).all()
    alive = [row for row in found if replaces is None or replaces not in (row.token_digest, row.previous_digest)]
    for row in alive[: max(0, len(alive) - policy.most + 1)]:
        end(session, actor, row, "revoked", "too_many_sessions")
