"""In and out of SCIM's JSON: payloads, answers, and errors in the shape of RFC 7644, section 3.12."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from flask import Response, request
from pydantic import BaseModel, ConfigDict, ValidationError
from scim2_models import (
    Context,
    Error,
    InvalidSyntaxException,
    InvalidValueException,
    ListResponse,
    NotFoundException,
    PatchOp,
    Resource,
    ResponseParameters,
    SCIMException,
    SearchRequest,
    UniquenessException,
)
from werkzeug.exceptions import HTTPException

from onyx.core import errors
from onyx.core.actor import Actor
from onyx.edge.errors import status_of
from onyx.edge.http import Body, body
from onyx.edge.state import state

from .resources import LENIENT, MOST

Model = TypeVar("Model", bound=BaseModel)
_ARGUMENTS = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")


class Payload(Body):
    """Any JSON object; scim2-models judges it."""

    model_config = ConfigDict(extra="allow")


def provisioner(actor: Actor) -> Actor:
    """Who acts: the directory, bounded by all that the person may do who made its key (I2)."""
    return replace(actor, kind="scim", permissions=actor.ceiling or actor.permissions)


def base() -> str:
    """The address of this SCIM server, as the caller sees it."""
    return f"{(state().settings.public_url or request.host_url).rstrip('/')}/scim/v2"


def received(model: Any, context: Context) -> Any:
    """The request's body as a SCIM message; extensions that Onyx does not know are left out."""
    data = dict(body(Payload).model_extra or {})
    data = {name: value for name, value in data.items() if not name.lower().startswith("urn:")}
    if isinstance(data.get("schemas"), list):
        data["schemas"] = [name for name in data["schemas"] if ":schemas:extension:" not in str(name).lower()]
    return model.model_validate(data, scim_ctx=context, scim_policy=LENIENT)


def wanted(model: Any, before: Any) -> Any:
    """What the directory wants a resource to be: all of it anew (PUT, RFC 7644 section 3.5.1), or parts of it (PATCH,
    section 3.5.2).
    """
    if request.method == "PUT":
        made = received(model, Context.RESOURCE_REPLACEMENT_REQUEST)
        made.replace(before)
        return made
    made = before.model_copy(deep=True)
    received(PatchOp[model], Context.RESOURCE_PATCH_REQUEST).patch(made, LENIENT)
    return made


def new(model: Any) -> Any:
    """A resource that is to be made (RFC 7644, section 3.3)."""
    return received(model, Context.RESOURCE_CREATION_REQUEST)


def searched(model: Any) -> Any:
    """The search of a body (RFC 7644, section 3.4.3)."""
    return received(SearchRequest[model], Context.SEARCH_REQUEST)


def asked(model: Any) -> Any:
    """The search of a query string (RFC 7644, section 3.4.2)."""
    found = {name: request.args[name] for name in _ARGUMENTS if name in request.args}
    return SearchRequest[model].model_validate(found, scim_ctx=Context.SEARCH_REQUEST, scim_policy=LENIENT)


def shaped(model: Any) -> Any:
    """Which attributes of one resource are asked for (RFC 7644, section 3.9)."""
    found = {name: request.args[name] for name in _ARGUMENTS[-2:] if name in request.args}
    return ResponseParameters[model].model_validate(found)


def created(model: Any, resource: Any) -> Response:
    return answer(resource, 201, Context.RESOURCE_CREATION_RESPONSE, shaped(model))


def changed(model: Any, resource: Any) -> Response:
    """The resource as it is after a PUT or a PATCH."""
    put = request.method == "PUT"
    context = Context.RESOURCE_REPLACEMENT_RESPONSE if put else Context.RESOURCE_PATCH_RESPONSE
    return answer(resource, 200, context, shaped(model))


def answer(
    resource: Any, status: int = 200, context: Context = Context.RESOURCE_QUERY_RESPONSE, shape: Any = None
) -> Response:
    """One resource as an answer, with its address."""
    text = resource.model_dump_json(scim_ctx=context, response_parameters=shape)
    response = Response(text, status, content_type="application/scim+json")
    if resource.meta is not None and resource.meta.location:
        response.headers["Location" if status == 201 else "Content-Location"] = str(resource.meta.location)
    return response


def page(model: Any, found: list[Any], total: int, search: Any) -> Response:
    """A list as an answer; `found` is the page already."""
    response: Any = ListResponse[model](
        total_results=total, start_index=search.start_index or 1, items_per_page=len(found), resources=found
    )
    text = response.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=search)
    return Response(text, content_type="application/scim+json")


def sifted_page(model: Any, found: Sequence[Resource[Any]], search: Any) -> Response:
    """The page that is asked for, of those that the filter lets through."""
    kept, first = _sifted(search, found), first_of(search)
    return page(model, kept[first : first + size_of(search)], len(kept), search)


def first_of(search: Any) -> int:
    """How many of a list come before the page that is asked for."""
    return int(search.start_index or 1) - 1


def size_of(search: Any) -> int:
    return MOST if search.count is None else min(int(search.count), MOST)


def _sifted(search: Any, found: Sequence[Resource[Any]]) -> list[Any]:
    """Those that the filter lets through, in the order that is asked for."""
    if search.filter is not None:
        found = [resource for resource in found if search.filter.match(resource)]
    ordered: list[Any] = search.sort(found)
    return ordered


def _told(error: Error) -> Response:
    text = error.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return Response(text, error.status or 400, content_type="application/scim+json")


def scim(error: SCIMException) -> Response:
    return _told(error.to_error())


def unstorable() -> Response:
    """What PostgreSQL cannot hold."""
    return scim(InvalidValueException())


def unreadable() -> Response:
    return scim(InvalidSyntaxException())


def invalid(error: ValidationError) -> Response:
    return _told(Error.from_validation_error(error.errors(include_input=False)[0]))


def onyx(error: errors.OnyxError) -> Response:
    """The domain's words as SCIM's: what is taken or refused by a rule is 409, as the directory expects."""
    detail = " ".join([error.message, *(error.fields or {}).values()])
    if isinstance(error, errors.NotFound):
        return scim(NotFoundException(detail=error.message))
    if isinstance(error, errors.Conflict):
        return scim(UniquenessException(detail=detail))
    if isinstance(error, errors.Invalid):
        return scim(InvalidValueException(detail=detail))
    response = _told(Error(status=status_of(error), detail=detail))
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def http(error: HTTPException) -> Response:
    if error.code == 400:
        return scim(InvalidSyntaxException(detail=error.description))
    return _told(Error(status=error.code, detail=error.description))
