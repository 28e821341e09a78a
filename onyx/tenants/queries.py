"""Reading organisations: the control plane's rows and what was measured; no schema is visited for a list."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.quotas import usage
from onyx.access.settings import shown as shown_settings
from onyx.access.visiting import visiting
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import cut
from onyx.core.scope import current_scope
from onyx.tenancy import sorting
from onyx.tenancy.backup_ledger import last_backup
from onyx.tenancy.listing import Tenant, notes_of, people_counts
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.listing import tenants as known_tenants
from onyx.tenancy.live_sessions import signed_in
from onyx.tenancy.settings import of
from onyx.tenancy.sizes import Size, days, isolation_of, sizes

from .deletion import Deletion, open_deletion

_LIVE = """
select count(*) from (select 1 from login_session where state = 'active' and expires_at > now()
   and last_seen_at + idle_seconds * interval '1 second' > now() limit 10000) as alive
"""
_UNMEASURED = dict.fromkeys(Size._fields)


def page(q: str, status: str, size: int, after: UUID | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of organisations, the oldest first: four statements, however many there are."""
    found, following = cut(known_tenants(current_scope(), size + 1, after, q, status), size, lambda row: str(row.id))
    return shown(found), following


def sorted_page(by: str, q: str, status: str, size: int, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The same in another order; raises Invalid for one that there is not."""
    found, following = sorting.sorted_page(current_scope(), by, size, after, q, status)
    return shown(found), following


def shown(found: list[Tenant]) -> list[dict[str, Any]]:
    """What a list shows of each organisation; sizes are None until they have been measured."""
    ids = [row.id for row in found]
    people, measured = people_counts(current_scope(), ids), sizes(current_scope(), ids)
    here = signed_in(ids)
    return [
        {
            **_row(row, measured.get(row.id)),
            "people": people.get(row.id, 0),
            "live_sessions": here.get(row.id, 0),
        }
        for row in found
    ]


def tenant(_session: Session, _actor: Actor, tenant_id: UUID) -> Tenant | None:
    """One organisation (a loader for `requires`)."""
    return known_tenant(current_scope(), tenant_id)


def detail(actor: Actor, row: Tenant) -> dict[str, Any]:
    """All that is known of one organisation; it alone is visited."""
    scope = current_scope()
    asked, backup, isolation = open_deletion(scope, row.id), last_backup(scope, row.id), isolation_of(scope, row.id)
    return {
        **shown([row])[0],
        "settings": shown_settings(of(row.settings)),
        "usage": usage_of(actor, row),
        "notes": notes_of(scope, row.id),
        "live_sessions": _live_now(actor, row),
        "days": [{**day._asdict(), "day": str(day.day)} for day in days(scope, row.id)],
        "deletion": deletion_shown(asked) if asked else None,
        "last_backup": {"at": backup.created_at, "size": backup.size} if backup else None,
        "isolation": isolation._asdict() if isolation else None,
    }


def usage_of(actor: Actor, row: Tenant) -> dict[str, Any] | None:
    """How much of its quotas an organisation has used (see onyx.access.quotas); None for one without a whole schema."""
    if row.status not in ("active", "suspended", "archived"):
        return None
    with visiting(actor, row.id, row.slug, row.name) as (session, _):
        return usage(session)


def again(row: Tenant) -> Tenant:
    """The organisation as it is after a change."""
    found = known_tenant(current_scope(), row.id)
    assert found is not None
    return found


def deletion_shown(row: Deletion) -> dict[str, Any]:
    """A deletion without its certificate, which is a document of its own."""
    told = row._asdict()
    return {**told, "certificate": row.certificate is not None}


def _live_now(actor: Actor, row: Tenant) -> int:
    """Live login sessions; counting stops at 10 000."""
    if row.status != "active":
        return 0
    with visiting(actor, row.id, row.slug, row.name) as (session, _):
        return int(rows(session, _LIVE)[0][0])


def _row(row: Tenant, size: Size | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "status": row.status,
        **(_measured(size) if size else _UNMEASURED),
        "created_at": row.created_at,
        "suspended_at": row.suspended_at,
        "archived_at": row.archived_at,
    }


def _measured(size: Size) -> dict[str, Any]:
    dates = {name: day and str(day) for name, day in (("logs_from", size.logs_from), ("last_active", size.last_active))}
    return {**size._asdict(), **dates}
