"""Discovery: what this server is (RFC 7644, section 4), searching everything, and addresses that lead nowhere."""

from typing import Any

from flask import Blueprint, Response
from scim2_models import Context, ListResponse, Meta, NotFoundException, SearchRequest
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.edge.http import requires

from . import answers, queries
from .resources import Group, User, configuration, resource_types, schemas

blueprint = Blueprint("scim", __name__, url_prefix="/scim/v2")
answers.install(blueprint)
LIMIT = "1200/minute"


@blueprint.get("/ServiceProviderConfig")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def service_provider_config(_actor: Actor, _session: Session) -> Response:
    return answers.answer(_placed(configuration(), "ServiceProviderConfig", ""))


@blueprint.get("/Schemas")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def all_schemas(_actor: Actor, _session: Session) -> Response:
    return _whole([_placed(each, "Schema", f"/{each.id}") for each in schemas()])


@blueprint.get("/Schemas/<name>")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def one_schema(_actor: Actor, _session: Session, name: str) -> Response:
    return _named([_placed(each, "Schema", f"/{each.id}") for each in schemas()], name)


@blueprint.get("/ResourceTypes")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def all_resource_types(_actor: Actor, _session: Session) -> Response:
    return _whole([_placed(each, "ResourceType", f"/{each.id}") for each in resource_types()])


@blueprint.get("/ResourceTypes/<name>")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def one_resource_type(_actor: Actor, _session: Session, name: str) -> Response:
    return _named([_placed(each, "ResourceType", f"/{each.id}") for each in resource_types()], name)


@blueprint.post("/.search")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def search(_actor: Actor, session: Session) -> Response:
    """People and groups together (RFC 7644, section 3.4.3)."""
    wanted = answers.received(SearchRequest[User | Group], Context.SEARCH_REQUEST)
    people = queries.people(session, queries.narrowed(wanted.filter))
    found: list[Any] = [queries.user_resource(row, answers.base()) for row in people]
    found += [queries.group_resource(row, answers.base()) for row in queries.groups(session)]
    return answers.sifted_page(User | Group, found, wanted)


@blueprint.get("/<path:name>")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
def nothing(_actor: Actor, _session: Session, name: str) -> Response:
    """Also what is not there is told in SCIM's own words."""
    raise NotFoundException(detail="There is nothing here by that name.")


def _placed(resource: Any, kind: str, tail: str) -> Any:
    endpoint = kind if kind == "ServiceProviderConfig" else f"{kind}s"
    resource.meta = Meta(resource_type=kind, location=f"{answers.base()}/{endpoint}{tail}")
    return resource


def _whole(found: list[Any]) -> Response:
    model: Any = ListResponse.__class_getitem__(type(found[0]))
    response = model(total_results=len(found), start_index=1, items_per_page=len(found), resources=found)
    text = response.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return Response(text, content_type="application/scim+json")


def _named(found: list[Any], name: str) -> Response:
    for each in found:
        if each.id == name:
            return answers.answer(each)
    raise NotFoundException(detail="There is nothing here by that name.")
