"""What this server is (RFC 7644, section 4), and searching everything."""

from typing import Any

from flask import Response
from scim2_models import Context, ListResponse, Meta, NotFoundException
from sqlalchemy.orm import Session

from . import answers, queries, shown
from .resources import Group, User, configuration, resource_types, schemas


def provider() -> Response:
    return answers.answer(_placed(configuration(), "ServiceProviderConfig", ""))


def all_schemas() -> Response:
    return _whole(_schemas())


def one_schema(name: str) -> Response:
    return _named(_schemas(), name)


def all_resource_types() -> Response:
    return _whole(_resource_types())


def one_resource_type(name: str) -> Response:
    return _named(_resource_types(), name)


def search(session: Session) -> Response:
    """People and groups together (RFC 7644, section 3.4.3)."""
    wanted = answers.searched(User | Group)
    people = queries.people(session, shown.narrowed(wanted.filter))
    found: list[Any] = [shown.user_resource(row, answers.base()) for row in people]
    found += [shown.group_resource(row, answers.base()) for row in queries.groups(session)]
    return answers.sifted_page(User | Group, found, wanted)


def nothing() -> Response:
    raise NotFoundException(detail="There is nothing here by that name.")


def _schemas() -> list[Any]:
    return [_placed(each, "Schema", f"/{each.id}") for each in schemas()]


def _resource_types() -> list[Any]:
    return [_placed(each, "ResourceType", f"/{each.id}") for each in resource_types()]


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
    return nothing()
