"""The OpenAPI 3.1 document, made from the URL map, the rule on each view and what each view takes."""

import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule as Route

from onyx.edge.documented import Described
from onyx.edge.http import Page
from onyx.edge.http import Rule as Guard

from .shapes import COMPONENTS, ERROR, INTRODUCTION, failure, success
from .source import Takes, takes

_BESIDE = ("/chat", "/healthz", "/readyz", "/metrics")
_REF = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def document(app: Flask) -> dict[str, Any]:
    """Every route of the API with its parameters, body, answers and errors; plain data."""
    models: dict[type[BaseModel], None] = {}
    paths: dict[str, dict[str, Any]] = {}
    for route, method in _routes(app):
        view = app.view_functions[route.endpoint]
        paths.setdefault(_VARIABLE.sub(r"{\1}", route.rule), {})[method.lower()] = _operation(
            route, method, view, models
        )
    names, definitions = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    _name_bodies(paths, {model: names[model, "validation"] for model in models})
    components = {**COMPONENTS, "schemas": {"Error": ERROR, **definitions.get("$defs", {})}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Onyx", "version": "1", "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": components,
        "tags": [{"name": name} for name in sorted({o["tags"][0] for p in paths.values() for o in p.values()})],
    }


def _routes(app: Flask) -> Iterator[tuple[Route, str]]:
    for route in sorted(app.url_map.iter_rules(), key=lambda r: r.rule):
        if route.rule.startswith("/api/") or route.rule in _BESIDE:
            for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
                yield route, method


def _operation(route: Route, method: str, view: Any, models: dict[type[BaseModel], None]) -> dict[str, Any]:
    guard: Guard = view.onyx_rule
    said: Described = getattr(view, "onyx_described", Described())
    reads = takes(view)
    body = _body(said, reads) if method not in ("GET", "DELETE") or said.body or reads.body else None
    if isinstance(said.body or reads.body, type):
        models[said.body or reads.body] = None  # type: ignore[index]
    operation: dict[str, Any] = {
        "operationId": f"{route.endpoint}.{method.lower()}",
        "tags": [route.endpoint.split(".")[0]],
        "summary": _summary(view),
        "description": _description(view, guard),
        "parameters": [*_of_path(route), *_of_query({**reads.query, **said.query})],
        "responses": _answers(method, guard, view, said, reads),
        "security": _security(guard, method),
        "x-permission": guard.permission,
        "x-limit": guard.limit,
    }
    if body:
        operation["requestBody"] = body
    return operation


def _body(said: Described, reads: Takes) -> dict[str, Any] | None:
    model = said.body or reads.body
    if isinstance(model, str):
        return {"required": True, "content": {model: {"schema": {}}}}
    if model is not None:
        return {"required": True, "content": {"application/json": {"schema": model}}}
    if reads.files:
        parts = {name: {"type": "string", "format": "binary"} for name in sorted(reads.files)}
        schema = {"type": "object", "properties": parts, "required": sorted(parts)}
        return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return {"content": {"application/json": {"schema": {"type": "object"}}}} if reads.loose_json else None


def _name_bodies(paths: dict[str, dict[str, Any]], refs: dict[type[BaseModel], Any]) -> None:
    """Put references where models stood: their names are known only when all models are (two may share one)."""
    for path in paths.values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if isinstance(content["schema"], type):
                    content["schema"] = refs[content["schema"]]


def _of_path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _schema_of_path(name)}
        for name in _VARIABLE.findall(route.rule)
    ]


def _schema_of_path(name: str) -> dict[str, Any]:
    return {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string", "minLength": 1}


def _of_query(query: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "required": False, "schema": dict(query[name])} for name in sorted(query)]


def _answers(method: str, guard: Guard, view: Any, said: Described, reads: Takes) -> dict[str, dict[str, Any]]:
    shapes: dict[int, Any] = dict(said.answers)
    if not shapes:
        shape = _shape(inspect.unwrap(view))
        shapes = dict.fromkeys(
            reads.statuses | {200}, next(iter(sorted(reads.media - {"application/json"})), None) or shape
        )
        if isinstance(shape, dict) and reads.statuses == {204} and not shape:
            del shapes[200]
    answers = {str(status): success(status, shape) for status, shape in sorted(shapes.items())}
    statuses = {400, 404, 422, 429, 503}
    statuses |= {401, 403} if guard.permission is not None else set()
    statuses |= {401, 403} if method == "POST" else set()
    statuses |= {409, 413} if method not in ("GET", "HEAD") else set()
    answers.update({str(s): failure(s) for s in sorted(statuses - {int(s) for s in answers})})
    return answers


def _shape(view: Any) -> dict[str, Any] | str:
    """The schema of `data` as far as the view's return type tells it."""
    returned = typing.get_type_hints(view).get("return")
    kind = typing.get_origin(returned) or returned
    if kind is str:
        return "text/html"
    if kind is Page:
        return {"type": "array", "x-paged": True}
    return {"type": {list: "array", dict: "object"}[kind]} if kind in (list, dict) else {}


def _security(guard: Guard, method: str) -> list[dict[str, list[str]]]:
    if guard.permission is None:
        return []
    by_cookie: dict[str, list[str]] = {"cookie": []}
    return [{"bearer": []}, by_cookie if method == "GET" else {**by_cookie, "csrf": []}]


def _summary(view: Any) -> str:
    text = inspect.getdoc(inspect.unwrap(view))
    if text:
        return text.split("\n")[0]
    return re.sub(r"\bi\b", "I", view.__name__.strip("_").replace("_", " ").capitalize()) + "."


def _description(view: Any, guard: Guard) -> str:
    who = f"Needs the permission `{guard.permission}`." if guard.permission else "Open to everybody."
    more = (inspect.getdoc(inspect.unwrap(view)) or "").partition("\n")[2].strip()
    return "\n\n".join(part for part in (more, f"{who} At most {guard.limit}.") if part)
