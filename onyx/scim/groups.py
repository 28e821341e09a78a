"""/scim/v2/Groups (RFC 7644, sections 3.3 to 3.6)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response
from scim2_models import Context, SearchRequest
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.edge.http import requires

from . import answers, group_service, queries
from .resources import Group
from .routes import LIMIT

blueprint = Blueprint("scim_groups", __name__, url_prefix="/scim/v2/Groups")
answers.install(blueprint)


@blueprint.get("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def groups(_actor: Actor, session: Session) -> Response:
    return _found(session, answers.asked(Group))


@blueprint.post("/.search")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def search(_actor: Actor, session: Session) -> Response:
    return _found(session, answers.received(SearchRequest[Group], Context.SEARCH_REQUEST))


@blueprint.post("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT, fresh=True)
def create(actor: Actor, session: Session) -> Response:
    wanted = answers.received(Group, Context.RESOURCE_CREATION_REQUEST)
    id = group_service.create(session, answers.provisioner(actor), wanted)
    return answers.created(Group, _as_it_is(session, id))


@blueprint.get("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT)
def one(_actor: Actor, _session: Session, group: Any) -> Response:
    return answers.answer(queries.group_resource(group, answers.base()), shape=answers.shaped(Group))


@blueprint.put("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT, fresh=True)
def replace(actor: Actor, session: Session, group: Any) -> Response:
    return _changed(actor, session, group)


@blueprint.patch("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT, fresh=True)
def patch(actor: Actor, session: Session, group: Any) -> Response:
    return _changed(actor, session, group)


@blueprint.delete("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT, fresh=True)
def remove(actor: Actor, session: Session, group: Any) -> Response:
    group_service.remove(session, answers.provisioner(actor), group)
    return Response(status=204)


def _found(session: Session, search: Any) -> Response:
    resources = [queries.group_resource(row, answers.base()) for row in queries.groups(session)]
    return answers.sifted_page(Group, resources, search)


def _changed(actor: Actor, session: Session, group: Any) -> Response:
    wanted = answers.wanted(Group, queries.group_resource(group, answers.base()))
    group_service.replace(session, answers.provisioner(actor), group, wanted)
    return answers.changed(Group, _as_it_is(session, group.id))


def _as_it_is(session: Session, id: UUID) -> Group:
    return queries.group_resource(queries.groups(session, id)[0], answers.base())
