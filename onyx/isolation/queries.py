"""Reading reports: a tenant's own, and the newest result of each for the platform."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.visiting import visiting
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.db import rows
from onyx.core.pages import Cursor, cursor_after, cut
from onyx.core.scope import current_scope
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.walls import control_plane

_PAGE = """
select id, checked_at, passed, failed from isolation_report
 where (%s::timestamptz is null or (checked_at, id) < (%s, %s)) order by checked_at desc, id desc limit %s
"""
_STATUS = """
select t.id, t.slug, t.name, t.status, s.passed, s.failed, s.checked_at, s.report_id
  from tenant t left join isolation_status s on s.tenant_id = t.id
 where t.status not in ('provisioning', 'deleting') and (%s::uuid is null or t.id > %s)
   and (%s = '' or (%s = 'failed' and not s.passed) or (%s = 'unchecked' and s.tenant_id is null))
   and (%s = '' or position(lower(%s) in t.slug) > 0 or position(lower(%s) in lower(t.name)) > 0)
 order by t.id limit %s
"""
_SUMMARY = """
select count(*) as tenants, count(*) filter (where s.passed) as held, count(*) filter (where not s.passed) as failed,
       count(*) filter (where s.tenant_id is null) as unchecked, min(s.checked_at) as oldest
  from tenant t left join isolation_status s on s.tenant_id = t.id where t.status not in ('provisioning', 'deleting')
"""


def reports(session: Session, size: int, after: Cursor | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the tenant's reports, the newest first."""
    at, id = after or (None, None)
    found, following = cut(
        rows(session, _PAGE, at, at, id, size + 1), size, lambda row: cursor_after(row.checked_at, row.id)
    )
    return [
        {"id": row.id, "checked_at": rfc3339(row.checked_at), "passed": row.passed, "failed": row.failed}
        for row in found
    ], following


def report(session: Session, _actor: Actor, report_id: UUID) -> Any | None:
    """One report with its signed document (a loader for `requires`)."""
    found = rows(session, "select id, document from isolation_report where id = %s", report_id)
    return found[0] if found else None


def tenant(_session: Session, _actor: Actor, tenant_id: UUID) -> Tenant | None:
    """One organisation, for the platform (a loader)."""
    return known_tenant(current_scope(), tenant_id)


def newest_of(actor: Actor, place: Tenant) -> dict[str, Any] | None:
    """The newest signed report of an organisation, for the platform."""
    with visiting(actor, place.id, place.slug, place.name) as (session, _):
        found = rows(session, "select document from isolation_report order by checked_at desc, id desc limit 1")
    return found[0].document if found else None


def summary() -> dict[str, Any]:
    """How the newest check of all organisations went: how many there are, held, failed, wait for their first; `oldest`
    is when the one was checked whose check lies longest ago.
    """
    with control_plane(current_scope()) as connection:
        found = connection.exec_driver_sql(_SUMMARY).one()
    return {**found._mapping, "oldest": rfc3339(found.oldest) if found.oldest else None}


def status(size: int, after: UUID | None, state: str, q: str) -> tuple[list[dict[str, Any]], str | None]:
    """The newest result of each organisation, by id; `state` may be `failed` or `unchecked`, `q` a part of the name."""
    values = (after, after, state, state, state, q, q, q, size + 1)
    with control_plane(current_scope()) as connection:
        found = connection.exec_driver_sql(_STATUS, values).all()
    shown, following = cut(found, size, lambda row: str(row.id))
    return [
        {
            "id": row.id,
            "slug": row.slug,
            "name": row.name,
            "passed": row.passed,
            "failed": row.failed,
            "checked_at": rfc3339(row.checked_at) if row.checked_at else None,
        }
        for row in shown
    ], following
