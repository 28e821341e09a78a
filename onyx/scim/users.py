"""/scim/v2/Users (RFC 7644, sections 3.3 to 3.6)."""

from typing import Any

from flask import Blueprint, Response
from scim2_models import Context, SearchRequest
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.edge.http import requires

from . import answers, queries, service
from .resources import User
from .routes import LIMIT

blueprint = Blueprint("scim_users", __name__, url_prefix="/scim/v2/Users")
answers.install(blueprint)


@blueprint.get("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def people(_actor: Actor, session: Session) -> Response:
    return _found(session, answers.asked(User))


@blueprint.post("/.search")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def search(_actor: Actor, session: Session) -> Response:
    return _found(session, answers.received(SearchRequest[User], Context.SEARCH_REQUEST))


@blueprint.post("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT, fresh=True)
def create(actor: Actor, session: Session) -> Response:
    wanted = answers.received(User, Context.RESOURCE_CREATION_REQUEST)
    id = service.create(session, answers.provisioner(actor), wanted)
    return answers.created(User, service.resource(session, id, answers.base()))


@blueprint.get("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT)
def one(_actor: Actor, _session: Session, person: Any) -> Response:
    return answers.answer(queries.user_resource(person, answers.base()), shape=answers.shaped(User))


@blueprint.put("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT, fresh=True)
def replace(actor: Actor, session: Session, person: Any) -> Response:
    return _changed(actor, session, person)


@blueprint.patch("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT, fresh=True)
def patch(actor: Actor, session: Session, person: Any) -> Response:
    return _changed(actor, session, person)


@blueprint.delete("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT, fresh=True)
def remove(actor: Actor, session: Session, person: Any) -> Response:
    service.remove(session, answers.provisioner(actor), person)
    return Response(status=204)


def _found(session: Session, search: Any) -> Response:
    """Without a filter the database cuts the page; with one, the rows that it may concern are looked through."""
    whole = search.filter is None and search.sort_by is None
    narrow = queries.Narrow() if whole else queries.narrowed(search.filter)
    cut = (answers.size_of(search), answers.first_of(search)) if whole else ()
    resources = [queries.user_resource(row, answers.base()) for row in queries.people(session, narrow, *cut)]
    if whole:
        return answers.page(User, resources, queries.headcount(session), search)
    return answers.sifted_page(User, resources, search)


def _changed(actor: Actor, session: Session, person: Any) -> Response:
    before = queries.user_resource(person, answers.base())
    service.change(session, answers.provisioner(actor), person, before, answers.wanted(User, before))
    return answers.changed(User, service.resource(session, person.id, answers.base()))
