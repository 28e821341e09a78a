"""What retention would take, and legal holds, over HTTP: for one's own organisation, and for the platform's admins."""

from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.access.visiting import visiting
from onyx.core.actor import Actor
from onyx.core.errors import Conflict
from onyx.core.scope import current_scope
from onyx.edge.http import body, query_int, requires
from onyx.tenancy.listing import Tenant
from onyx.tenancy.settings import TenantSettings, of, settings_of

from . import queries, service
from .forms import Held

blueprint = Blueprint("retention", __name__)


@blueprint.get("/api/v1/tenant/retention")
@requires(Permission.SETTINGS_MANAGE)
def own(_actor: Actor, session: Session) -> dict[str, Any]:
    """What is kept for how long, and what would go with `chat_days` and `access_days` (0: none; left out: as they are)."""
    return _overview(session, settings_of(current_scope()))


@blueprint.put("/api/v1/tenant/legal-hold")
@requires(Permission.SETTINGS_MANAGE, limit="30/minute", fresh=True)
def hold_own(actor: Actor, session: Session) -> dict[str, Any]:
    """While it is on, retention deletes nothing, and what was set aside comes back."""
    form = body(Held)
    return {"legal_hold": queries.hold_shown(service.hold_own(session, actor, form.on, form.reason.strip()))}


@blueprint.get("/api/v1/tenants/<tenant_id>/retention")
@requires(Permission.TENANTS_READ, of=queries.tenant)
def of_tenant(actor: Actor, _session: Session, tenant: Tenant) -> dict[str, Any]:
    """The same of any organisation; 409 for one whose tables are not there."""
    if tenant.status not in ("active", "suspended", "archived"):
        raise Conflict("This organisation is not open.")
    with visiting(actor, tenant.id, tenant.slug, tenant.name) as (inside, _):
        return _overview(inside, of(tenant.settings))


@blueprint.put("/api/v1/tenants/<tenant_id>/legal-hold")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, limit="30/minute", fresh=True)
def hold_of_tenant(actor: Actor, _session: Session, tenant: Tenant) -> dict[str, Any]:
    """Put a legal hold on an organisation, or lift it."""
    if tenant.status not in ("active", "suspended", "archived"):
        raise Conflict("This organisation is not open.")
    form = body(Held)
    return {"legal_hold": queries.hold_shown(service.hold_of(actor, tenant, form.on, form.reason.strip()))}


def _overview(session: Session, settings: TenantSettings) -> dict[str, Any]:
    chats, access = query_int("chat_days", 0, 0, 36_500), query_int("access_days", 0, 0, 36_500)
    return queries.overview(
        session, settings,
        chats or None if "chat_days" in request.args else settings.retention_chat_days,
        access or None if "access_days" in request.args else settings.retention_access_days,
    )  # fmt: skip
