"""Keys over HTTP, and their pages. No key can come in here: NEVER_BY_KEY in access/policy.py."""

from typing import Any

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from onyx.access.policy import MEANING, Permission
from onyx.core.actor import Actor
from onyx.core.pages import parse_cursor
from onyx.edge.http import Page, body, ok, query_int, requires

from . import queries, service
from .forms import NewKey

blueprint = Blueprint("keys", __name__)


@blueprint.get("/settings/keys")
@requires(Permission.OWN_ACCOUNT)
def page(actor: Actor, _session: Session) -> str:
    return render_template("keys/page.html", scopes=queries.scopes_for(actor), meanings=MEANING)


@blueprint.get("/admin/keys")
@requires(Permission.KEYS_MANAGE)
def tenant_page(_actor: Actor, _session: Session) -> str:
    return render_template("keys/tenant.html")


@blueprint.get("/api/v1/api-keys")
@requires(Permission.OWN_ACCOUNT)
def own(actor: Actor, session: Session) -> list[dict[str, Any]]:
    return queries.own(session, actor)


@blueprint.post("/api/v1/api-keys")
@requires(Permission.KEYS_CREATE, limit="30/minute", fresh=True)
def create(actor: Actor, session: Session) -> Response:
    form = body(NewKey)
    made = service.create(session, actor, name=form.name, permissions=form.permissions, days=form.expires_in_days)
    return ok(made, status=201)


@blueprint.delete("/api/v1/api-keys/<key_id>")
@requires(Permission.OWN_ACCOUNT, of=queries.own_key)
def revoke(actor: Actor, session: Session, own_key: Any) -> dict[str, Any]:
    return {"revoked": True, "revocation": service.revoke(session, actor, own_key)}


@blueprint.get("/api/v1/tenant/api-keys")
@requires(Permission.KEYS_MANAGE)
def everybodys(_actor: Actor, session: Session) -> Page:
    after = parse_cursor(request.args.get("after"))
    return Page(*queries.everybodys(session, query_int("limit", 50, 1, 200), after))


@blueprint.delete("/api/v1/tenant/api-keys/<key_id>")
@requires(Permission.KEYS_MANAGE, of=queries.tenant_key)
def revoke_any(actor: Actor, session: Session, tenant_key: Any) -> dict[str, Any]:
    return {"revoked": True, "revocation": service.revoke(session, actor, tenant_key)}
