"""Whose data was erased, for the tenant's administrators."""

from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.pages import cursor_after, cut, parse_cursor
from onyx.core.scope import current_scope
from onyx.edge.http import Page, query_int, requires
from onyx.tenancy import erasure

blueprint = Blueprint("erasures", __name__)


@blueprint.get("/api/v1/erasures")
@requires(Permission.USERS_READ)
def erasures(_actor: Actor, _session: Session) -> Page:
    """Whose data was erased, the newest first, with the signed certificates."""
    limit, after = query_int("limit", 50, 1, 200), parse_cursor(request.args.get("after"))
    found = erasure.page(current_scope(), limit + 1, after)
    shown, following = cut(found, limit, lambda row: cursor_after(row.erased_at, row.user_id))
    return Page([row._asdict() for row in shown], following)
