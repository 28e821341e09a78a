"""One person, as administrators see them: picture, activity, and what deleting them would mean."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.core.pages import parse_cursor
from onyx.edge.documented import documented
from onyx.edge.http import Page, query_int, requires
from onyx.edge.picture import picture_response
from onyx.identity import avatars
from onyx.identity.models import User

from . import about, queries

blueprint = Blueprint("about", __name__)


@blueprint.get("/api/v1/users/<user_id>/avatar")
@documented(answers={200: "image/png"})
@requires(Permission.USERS_READ, of=queries.person, limit="1200/minute")
def picture(_actor: Actor, session: Session, person: User) -> Response:
    found = avatars.of(session, person.id)
    if found is None:
        raise NotFound()
    return picture_response(found)


@blueprint.get("/api/v1/users/<user_id>/activity")
@requires(Permission.USERS_READ, of=queries.person)
def activity(_actor: Actor, session: Session, person: User) -> Page:
    """Sign-ins, roles, factors and what else concerns access; all that somebody did is for `audit:read`."""
    after = parse_cursor(request.args.get("after"))
    return Page(*about.activity(session, person, query_int("limit", 30, 1, 100), after))


@blueprint.get("/api/v1/users/<user_id>/deletion")
@requires(Permission.USERS_MANAGE, of=queries.person)
def deletion(actor: Actor, session: Session, person: User) -> dict[str, Any]:
    """What would go with this person and what would stay. Changes nothing."""
    return about.deletion(session, actor, person)
