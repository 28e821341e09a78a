"""Changes that open sockets and caches must hear of: forewarned before the commit, carried out after it."""

from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core import outbox
from onyx.tenancy.notices import forewarn

from .models import LoginSession

# Reasons of notices that take nothing away from answers under way.
PROFILE, FACTOR, FACTOR_POLICY, SETTINGS = "profile", "factor", "factor_policy", "settings"
# Reason of the notice that one of a person's sessions goes on with another token: it takes the old one away, later.
TOKEN = "token_renewed"

# Reason of the notice that a role of the tenant's own has changed: it takes something from some people, perhaps.
ROLE = "role_edited"
# Reason of the notice that sessions of a tenant were shortened.
SESSION_POLICY = "session_policy"


def session_ended(session: Session, tenant: UUID, row: LoginSession, reason: str) -> UUID:
    """A login session ends with this transaction. Returns the id of its revocation, for the receipt (S5)."""
    notice = forewarn(tenant, "session", row.id, reason)
    outbox.put(session, "session.ended", tenant=tenant, id=row.id, reason=reason, notice=notice)
    return notice


def key_revoked(session: Session, tenant: UUID, key: UUID, reason: str) -> UUID:
    """An API key ends with this transaction, as a login session does. Returns the id of its revocation."""
    notice = forewarn(tenant, "session", key, reason)
    outbox.put(session, "session.ended", tenant=tenant, id=key, reason=reason, notice=notice)
    return notice


def person_changed(session: Session, tenant: UUID, user: UUID, reason: str) -> UUID:
    """A person's roles, status or profile change with this transaction (I3). Returns the notice's id."""
    notice = forewarn(tenant, "user", user, reason)
    outbox.put(session, "person.changed", tenant=tenant, user=user, reason=reason, notice=notice)
    return notice


def role_changed(session: Session, tenant: UUID) -> UUID:
    """What a role of the tenant's own allows changes with this transaction: everybody is asked about anew (I3)."""
    return tenant_changed(session, tenant, ROLE)


def tenant_changed(session: Session, tenant: UUID, reason: str) -> UUID:
    """A tenant is suspended or resumed with this transaction (T1). Returns the notice's id."""
    notice = forewarn(tenant, "tenant", tenant, reason)
    outbox.put(session, "tenant.changed", tenant=tenant, reason=reason, notice=notice)
    return notice


def sessions_ended(session: Session, tenant: UUID, ids: list[UUID], reason: str) -> UUID:
    """Many login sessions of a tenant end with this transaction. Returns the one notice that tells of all."""
    notice = forewarn(tenant, "sessions", tenant, reason)
    outbox.put(session, "sessions.ended", tenant=tenant, ids=ids, reason=reason, notice=notice)
    return notice
