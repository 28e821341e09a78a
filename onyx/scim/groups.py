"""/scim/v2/Groups (RFC 7644, sections 3.3 to 3.6)."""

from typing import Any

from flask import Blueprint, Response
from scim2_models import Context, PatchOp, SearchRequest
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.edge.http import requires

from . import answers, group_service, queries
from .resources import LENIENT, Group
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
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def create(actor: Actor, session: Session) -> Response:
    wanted = answers.received(Group, Context.RESOURCE_CREATION_REQUEST)
    id = group_service.create(session, answers.provisioner(actor), wanted)
    made = queries.group_resource(queries.groups(session, id)[0], answers.base())
    return answers.answer(made, 201, Context.RESOURCE_CREATION_RESPONSE, answers.shaped(Group))


@blueprint.get("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT)
def one(_actor: Actor, _session: Session, group: Any) -> Response:
    return answers.answer(queries.group_resource(group, answers.base()), shape=answers.shaped(Group))


@blueprint.put("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT)
def replace(actor: Actor, session: Session, group: Any) -> Response:
    wanted = answers.received(Group, Context.RESOURCE_REPLACEMENT_REQUEST)
    wanted.replace(queries.group_resource(group, answers.base()))
    return _changed(actor, session, group, wanted, Context.RESOURCE_REPLACEMENT_RESPONSE)


@blueprint.patch("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT)
def patch(actor: Actor, session: Session, group: Any) -> Response:
    wanted = queries.group_resource(group, answers.base())
    answers.received(PatchOp[Group], Context.RESOURCE_PATCH_REQUEST).patch(wanted, LENIENT)
    return _changed(actor, session, group, wanted, Context.RESOURCE_PATCH_RESPONSE)


@blueprint.delete("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT)
def remove(actor: Actor, session: Session, group: Any) -> Response:
    group_service.remove(session, answers.provisioner(actor), group)
    return Response(status=204)


def _found(session: Session, search: Any) -> Response:
    resources = [queries.group_resource(row, answers.base()) for row in queries.groups(session)]
    resources = answers.sifted(search, resources)
    return answers.page(Group, answers.cut(search, resources), len(resources), search)


def _changed(actor: Actor, session: Session, group: Any, wanted: Group, context: Context) -> Response:
    group_service.replace(session, answers.provisioner(actor), group, wanted)
    now = queries.group_resource(queries.groups(session, group.id)[0], answers.base())
    return answers.answer(now, 200, context, answers.shaped(Group))
