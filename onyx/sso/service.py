"""Setting up the provider, and connecting accounts there with people here."""

import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.people import grantable_roles
from onyx.access.policy import Role, permissions_of
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Invalid
from onyx.tenancy.sealed import seal, unseal

from . import queries
from .provider import Provider

_USE = "sso-secret"
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_SAVE = """
insert into sso_provider (id, issuer, client_id, sealed_secret, domains, default_role, create_people, enabled)
values (1, %s, %s, %s, %s, %s, %s, %s)
on conflict (id) do update set issuer = excluded.issuer, client_id = excluded.client_id,
       sealed_secret = excluded.sealed_secret, domains = excluded.domains, default_role = excluded.default_role,
       create_people = excluded.create_people, enabled = excluded.enabled, updated_at = now()
returning id
"""
_LINK = "insert into external_identity (user_id, issuer, subject) values (%s, %s, %s) returning user_id"
_SESSION = "insert into sso_session (user_id, session_id, issuer, sid) values (%s, %s, %s, %s) returning user_id"
_SHOWN = ("issuer", "client_id", "domains", "default_role", "create_people", "enabled")


def provider_of(row: Any, tenant: UUID) -> Provider:
    """The provider with its secret opened. Raises ValueError when it was sealed under another key."""
    secret = unseal(_USE, bytes(row.sealed_secret), b"", tenant=tenant).decode()
    return Provider(tenant, row.issuer, row.client_id, secret, tuple(row.domains), row.default_role, row.create_people)


def save(session: Session, actor: Actor, wanted: dict[str, Any], secret: str | None) -> None:
    """Set up the provider; without a secret the one that is there stays, if the issuer and the client do too.

    Raises Invalid for domains and roles that cannot be, and for a secret that would go to somebody else.
    """
    before = queries.set_up(session)
    role = _role(session, actor, wanted["default_role"])
    wanted = {**wanted, "domains": _domains(wanted["domains"]), "default_role": role}
    same = before and (before.issuer, before.client_id) == (wanted["issuer"], wanted["client_id"])
    if not secret and not same:
        raise Invalid(fields={"client_secret": "Give the client's secret."})
    assert secret or before
    sealed = seal(_USE, secret.encode(), b"", tenant=actor.tenant_id) if secret else before.sealed_secret  # type: ignore[union-attr]
    values = [wanted[name] for name in ("domains", "default_role", "create_people", "enabled")]
    rows(session, _SAVE, wanted["issuer"], wanted["client_id"], sealed, *values)
    told = [change(n, getattr(before, n, None), wanted[n]) for n in _SHOWN if getattr(before, n, None) != wanted[n]]
    where = target("sso", "", wanted["issuer"])
    record(session, actor, Action.SSO_CHANGED, where, changes=told, secret_changed=bool(secret))


def remove(session: Session, actor: Actor) -> bool:
    """Forget the provider; who is connected stays so, and signs in by password."""
    before = queries.set_up(session)
    if before is None:
        return False
    rows(session, "delete from sso_provider returning id")
    record(session, actor, Action.SSO_REMOVED, target("sso", "", before.issuer))
    return True


def link(session: Session, actor: Actor, user: UUID, email: str, issuer: str, subject: str, how: str) -> None:
    """Connect a person with an account at the provider."""
    rows(session, _LINK, user, issuer, subject)
    record(session, actor, Action.IDENTITY_LINKED, target("user", user, email), issuer=issuer, by=how)


def remember_session(session: Session, user: UUID, id: UUID, issuer: str, sid: str | None) -> None:
    """Keep from which session at the provider a login session came."""
    rows(session, _SESSION, user, id, issuer, sid)


def is_privileged(roles: list[str], tenant_slug: str, extra: Collection[str] = ()) -> bool:
    """Whether somebody may do more than any user: then an e-mail address alone proves too little."""
    return bool(permissions_of(roles, tenant_slug, extra) - permissions_of([Role.USER.value], tenant_slug))


def shown(row: Any | None) -> dict[str, Any]:
    """The set-up as its administrator sees it, never the secret."""
    if row is None:
        return {"configured": False}
    return {"configured": True, **{name: getattr(row, name) for name in _SHOWN}, "updated_at": row.updated_at}


def _domains(said: list[str]) -> list[str]:
    found = sorted({domain.strip().lower().removeprefix("@") for domain in said if domain.strip()})
    if not found or not all(_DOMAIN.fullmatch(domain) and len(domain) < 254 for domain in found):
        raise Invalid(fields={"domains": "Give the domains of your organisation's e-mail addresses."})
    return found


def _role(session: Session, actor: Actor, role: str) -> str:
    grantable_roles(session, actor, [role])
    if role not in [known.value for known in Role] or is_privileged(
        [role], actor.tenant_slug
    ):  # what a role of one's own gives may grow later
        raise Invalid(fields={"default_role": "New people may begin as users at most."})
    return role
