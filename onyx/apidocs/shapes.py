"""The shapes that all answers share: success, error, and how to say who one is."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

INTRODUCTION = (
    'Success is `{"success": true, "data": …}`, lists add `"next"`, the cursor of the next page or null. Every error '
    "has one shape, `Error`. Every answer carries the header `X-Request-ID`. Ids of another person or organisation are "
    "unknown ids: 404. A malformed id is an unknown id, too."
)

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {
                "code": {"type": "string", "examples": ["not_found"]},
                "message": {"type": "string"},
                "request_id": {"type": "string"},
                "fields": {"type": "object", "additionalProperties": {"type": "string"}},
                "quota": {"type": "string", "description": "Which limit of the organisation is reached."},
                "reason": {"type": "string", "description": "Why a login session is over."},
            },
        },
    },
}

COMPONENTS: dict[str, Any] = {
    "securitySchemes": {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The token of `POST /api/v1/auth/login`."},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "onyx_session"},
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRF-Token",
            "description": "With the cookie, on everything but GET: the content of a page's `csrf-token` meta tag.",
        },
    },
    "headers": {"RequestId": {"description": "Names this request in logs and audit.", "schema": {"type": "string"}}},
    "responses": {},
}

_HEADERS = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}


def success(status: int, shape: Mapping[str, Any] | str) -> dict[str, Any]:
    """A good answer: `shape` is the schema of `data`, or a media type; status 204 has no body."""
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": _HEADERS}
    if isinstance(shape, str):
        return {**answer, "content": {shape: {"schema": {"type": "string"}} if shape == "text/html" else {}}}
    if status == 204:
        return answer
    paged = shape.get("x-paged")
    data = {name: value for name, value in shape.items() if name != "x-paged"}
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["success", "data", *(["next"] if paged else [])],
        "properties": {"success": {"const": True}, "data": data},
    }
    if paged:
        schema["properties"]["next"] = {"type": ["string", "null"]}
    return {**answer, "content": {"application/json": {"schema": schema}}}


def failure(status: int) -> dict[str, Any]:
    """A refusal in the one error shape."""
    headers = {**_HEADERS, "Retry-After": {"schema": {"type": "integer"}}} if status == 429 else _HEADERS
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }
