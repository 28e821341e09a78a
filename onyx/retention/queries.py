"""What retention keeps, what it would take, what it has taken: counts and dates, never what is in a chat."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.db import rows
from onyx.core.pages import cut
from onyx.core.scope import Scope, current_scope
from onyx.core.wire import Fixed
from onyx.tenancy.holds import Hold, hold_of
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.settings import TenantSettings
from onyx.tenancy.walls import control_plane

from . import months
from .chats import GRACE_DAYS

_CHATS = Fixed("select chats, messages, people, oldest, waiting, goes_at from retention_preview(%s)")
_LOG = Fixed("select entries, oldest from access_before(%s)")
_MONTHS = Fixed("""
select c.relname::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'access_entry'::regclass order by 1
""")
_COLUMNS = "id, log_partition, month, entries, size, sha256, name, manifest, created_at, dropped_at"
_ARCHIVES = f"""
select {_COLUMNS} from log_archive
 where tenant_id = %s and state = 'dropped' and (%s::uuid is null or id < %s) order by id desc limit %s
"""
_ARCHIVE = f"select {_COLUMNS} from log_archive where tenant_id = %s and state = 'dropped' and id = %s"
_HOW_MANY = "select count(*) from log_archive where tenant_id = %s and state = 'dropped'"


def tenant(_session: Session, _actor: Actor, tenant_id: UUID) -> Tenant | None:
    """One organisation (a loader for `requires`)."""
    return known_tenant(current_scope(), tenant_id)


def archive(_session: Session, actor: Actor, archive_id: UUID) -> Any | None:
    """One archived month of the actor's organisation (a loader for `requires`)."""
    with control_plane(current_scope()) as connection:
        return connection.exec_driver_sql(_ARCHIVE, (actor.tenant_id, archive_id)).one_or_none()


def archives(tenant: UUID, size: int, after: UUID | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of archived months, those archived last first."""
    with control_plane(current_scope()) as connection:
        found = connection.exec_driver_sql(_ARCHIVES, (tenant, after, after, size + 1)).all()
    shown, following = cut(found, size, lambda row: str(row.id))
    return [archive_shown(row) for row in shown], following


def overview(
    session: Session, settings: TenantSettings, chat_days: int | None, access_days: int | None
) -> dict[str, Any]:
    """The rules of the open scope's tenant, the hold on it, and what rules of so many days would take now (None: none).

    For purposes `admin` and `platform`, in a session of that tenant.
    """
    scope = current_scope()
    return {
        "chats": _chats(session, settings, chat_days),
        "access_log": _access_log(session, scope, settings, access_days),
        "legal_hold": hold_shown(hold_of(scope)),
    }


def hold_shown(hold: Hold | None) -> dict[str, Any] | None:
    """A hold for a page or a program."""
    if hold is None:
        return None
    return {
        "since": rfc3339(hold.since),
        "by": hold.set_as,
        "reason": hold.reason,
        "by_platform": hold.by_platform,
    }


def archive_shown(row: Any) -> dict[str, Any]:
    """An archived month without its manifest."""
    return {
        "id": row.id,
        "partition": row.log_partition,
        "month": f"{row.month:%Y-%m}",
        "entries": row.entries,
        "size": row.size,
        "sha256": bytes(row.sha256).hex(),
        "name": row.name,
        "archived_at": row.created_at,
        "signed_by": row.manifest["signature"]["key_id"],
    }


def _chats(session: Session, settings: TenantSettings, days: int | None) -> dict[str, Any]:
    found = rows(session, _CHATS, days)[0]
    return {
        "days": settings.retention_chat_days,
        "least_days": settings.retention_chat_least_days,
        "grace_days": GRACE_DAYS,
        "set_aside": {"chats": found.waiting, "goes_at": found.goes_at},
        "preview": {
            "days": days,
            "chats": found.chats,
            "messages": found.messages,
            "people": found.people,
            "oldest": found.oldest,
        },
    }


def _access_log(session: Session, scope: Scope, settings: TenantSettings, days: int | None) -> dict[str, Any]:
    gone: list[str] = []
    entries, oldest, stays = 0, None, None
    names = [row.name for row in rows(session, _MONTHS)]
    if days is not None:
        stays = months.edge(days)
        gone = [name for name in names if months.month_of(name) < stays.date()]
        entries, oldest = rows(session, _LOG, stays)[0]
    with control_plane(scope) as connection:
        archived = connection.exec_driver_sql(_HOW_MANY, (scope.tenant,)).scalar_one()
    return {
        "days": settings.retention_access_days,
        "least_days": settings.retention_access_least_days,
        "archived_months": archived,
        "kept_from": f"{months.month_of(names[0]):%Y-%m-%d}" if names else None,
        "preview": {
            "days": days,
            "months": [f"{months.month_of(name):%Y-%m}" for name in gone],
            "entries": entries,
            "oldest": oldest,
            "before": stays,
        },
    }
