"""How much of its quotas an organisation has used, and that one is reached (T10).

People and stored bytes are held against their limits by triggers on the very rows (migrations/tenant/0016), so that
no way in can forget it; what is counted by the day by the gate (onyx.edge.bounds).
"""

from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work
from onyx.core.errors import PeopleQuotaReached, QuotaReached, StorageQuotaReached
from onyx.core.scope import current_scope, tenant_scope
from onyx.tenancy.settings import settings_of

_USED = "select coalesce(sum(used), 0)::bigint as used from usage_day where day = current_date and metric = %s"
_FIRST = "insert into quota_reached (quota) values (%s) on conflict do nothing returning quota"
_USAGE = f"""
select seats_taken() as users, stored_bytes() as storage_bytes,
       ({_USED.replace("%s", "'messages'")}) as messages, ({_USED.replace("%s", "'api_calls'")}) as api_calls
"""
_LIMITS = {
    "users": "quota_users",
    "storage_bytes": "quota_storage_bytes",
    "messages": "quota_messages_daily",
    "api_calls": "quota_api_calls_daily",
}


def usage(session: Session) -> dict[str, dict[str, int | None]]:
    """`{users, storage_bytes, messages, api_calls: {used, limit}}` of the tenant whose scope is open.

    Messages and calls are of today (UTC), a limit of None is no limit. Purposes `admin` and `platform` (visiting()).
    """
    found: Any = rows(session, _USAGE)[0]
    settings = settings_of(current_scope())
    return {name: {"used": getattr(found, name), "limit": getattr(settings, kept)} for name, kept in _LIMITS.items()}


def used_today(actor: Actor, quota: str) -> int:
    """How much of a daily quota PostgreSQL has counted since midnight (UTC)."""
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        return int(rows(session, _USED, quota)[0].used)


def tell_once(actor: Actor, reached: QuotaReached) -> None:
    """Record that a quota is reached, unless that was recorded today."""
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        if rows(session, _FIRST, reached.quota):
            what = target("quota", reached.quota, f"{reached.quota.replace('_', ' ')} ({reached.limit})")
            record(session, actor, Action.QUOTA_REACHED, what, outcome="denied", limit=reached.limit)


def kept(session: Session, statement: str, *values: Any) -> list[Any]:
    """rows() for a statement that may come up against a quota. Raises QuotaReached."""
    try:
        return rows(session, statement, *values)
    except DBAPIError as error:
        raise reached(error) or error from None


def flushed(session: Session) -> None:
    """Write the ORM's changes, of which one may come up against a quota. Raises QuotaReached."""
    try:
        session.flush()
    except DBAPIError as error:
        raise reached(error) or error from None


def reached(error: DBAPIError) -> QuotaReached | None:
    """The quota that a statement came up against, if any: SQLSTATE ON002."""
    if getattr(error.orig, "sqlstate", None) != "ON002":
        return None
    said = error.orig.diag  # type: ignore[union-attr]
    kind = StorageQuotaReached if said.message_primary == "storage" else PeopleQuotaReached
    return kind(int(said.message_detail or 0))
