"""Reads from a view's own source what it takes, so that the document cannot say anything else than the code.

Found are `body(Model)`, `query_int(name, default, least, most)`, `request.args…`, `request.files…`, and the statuses and
media types of answers, in the view and in the functions of Onyx that it calls.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType
from typing import Any

from pydantic import BaseModel

_DEPTH = 3
_NOT_FOLLOWED = ("onyx.core", "onyx.tenancy", "onyx.audit", "onyx.edge.http", "onyx.edge.gate")


@dataclass(slots=True)
class Takes:
    """What a view takes beside its path: body model, query parameters with their schemas, names of uploaded files.

    And what it gives: statuses and media types, where it makes its answer itself.
    """

    body: type[BaseModel] | None = None
    loose_json: bool = False
    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    media: set[str] = field(default_factory=set)


def takes(view: Callable[..., Any]) -> Takes:
    """All that the source of a view, and of what it calls, reads from the request."""
    found = Takes()
    for function, call in _calls(inspect.unwrap(view), _DEPTH, set()):
        _look_at(call, function.__globals__, found)
    return found


def _calls(function: Any, depth: int, seen: set[Any]) -> Iterator[tuple[Any, ast.AST]]:
    if function in seen or not isinstance(function, FunctionType):
        return
    seen.add(function)
    for node in ast.walk(_tree(function)):
        if not isinstance(node, (ast.Call, ast.Subscript)):
            continue
        yield function, node
        called = _value(node.func, function.__globals__) if isinstance(node, ast.Call) else None
        if depth and isinstance(called, FunctionType) and _followed(called):
            yield from _calls(inspect.unwrap(called), depth - 1, seen)


def _followed(function: FunctionType) -> bool:
    module = function.__module__ or ""
    return module.startswith("onyx.") and not module.startswith(_NOT_FOLLOWED)


@cache
def _tree(function: FunctionType) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _look_at(node: ast.AST, names: dict[str, Any], found: Takes) -> None:
    if isinstance(node, ast.Subscript):
        _look_at_mapping(node.value, node.slice, [], names, found)
    elif isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        values = [_value(argument, names) for argument in node.args]
        if called.split(".")[-1] == "body" and values:
            if isinstance(values[0], type) and issubclass(values[0], BaseModel):
                found.body = values[0]
        elif called.split(".")[-1] == "query_int":
            _whole_number(values, found)
        elif called in ("ok", "Response", "http.ok"):
            _look_at_answer(values, {word.arg: _value(word.value, names) for word in node.keywords}, found)
        elif called == "request.get_json":
            found.loose_json = True
        elif isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "getlist") and node.args:
            _look_at_mapping(node.func.value, node.args[0], node.args[1:], names, found)


def _look_at_mapping(mapping: ast.AST, key: ast.AST, more: list[ast.expr], names: dict[str, Any], found: Takes) -> None:
    name = _value(key, names)
    if not isinstance(name, str):
        return
    if ast.unparse(mapping) == "request.args":
        default = _value(more[0], names) if more else None
        found.query.setdefault(name, {"type": "string", **({"default": default} if isinstance(default, str) else {})})
    elif ast.unparse(mapping) == "request.files":
        found.files.add(name)


def _look_at_answer(values: list[Any], words: dict[str | None, Any], found: Takes) -> None:
    status = words.get("status", values[1] if len(values) > 1 else None)
    media = words.get("content_type") or words.get("mimetype")
    for one in status if isinstance(status, tuple) else (status,):
        if isinstance(one, int) and one < 400:
            found.statuses.add(one)
    if isinstance(media, str):
        found.media.add(media.split(";")[0])


def _whole_number(arguments: list[Any], found: Takes) -> None:
    if len(arguments) == 4 and isinstance(arguments[0], str):
        name, default, least, most = arguments
        bounds = {"default": default, "minimum": least, "maximum": most}
        found.query[name] = {"type": "integer", **{k: v for k, v in bounds.items() if isinstance(v, int)}}


def _value(node: ast.AST, names: dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, names), node.attr, None)
    if isinstance(node, ast.IfExp):
        return _value(node.body, names), _value(node.orelse, names)
    return None
