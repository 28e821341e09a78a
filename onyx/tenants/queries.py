"""Reading organisations: the control plane's rows with how many people they have and how many are signed in."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.visiting import visiting
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import cut
from onyx.core.scope import current_scope
from onyx.tenancy.listing import Tenant, people_counts
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.listing import tenants as known_tenants

_LIVE = """
select count(*) from (select 1 from login_session where state = 'active' and expires_at > now()
   and last_seen_at + idle_seconds * interval '1 second' > now() limit 10000) as alive
"""


def page(actor: Actor, q: str, status: str, size: int, after: UUID | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of organisations, the oldest first."""
    found, following = cut(known_tenants(current_scope(), size + 1, after, q, status), size, lambda row: str(row.id))
    people = people_counts(current_scope(), [row.id for row in found])
    return [shown(row, people.get(row.id, 0), live_now(actor, row)) for row in found], following


def tenant(_session: Session, _actor: Actor, tenant_id: UUID) -> Tenant | None:
    """One organisation (a loader for `requires`)."""
    return known_tenant(current_scope(), tenant_id)


def detail(actor: Actor, row: Tenant) -> dict[str, Any]:
    people = people_counts(current_scope(), [row.id])
    return {**shown(row, people.get(row.id, 0), live_now(actor, row)), "settings": row.settings}


def live_now(actor: Actor, row: Tenant) -> int:
    """Live login sessions; counting stops at 10 000."""
    if row.status != "active":
        return 0
    with visiting(actor, row.id, row.slug, row.name) as (session, _):
        return int(rows(session, _LIVE)[0][0])


def shown(row: Tenant, people: int, live: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "status": row.status,
        "people": people,
        "live_sessions": live,
        "created_at": row.created_at,
        "suspended_at": row.suspended_at,
    }
