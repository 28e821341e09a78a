"""One shape for every error, and the only place that knows their statuses (CONTRACT, HTTP)."""

import json
from typing import Any
from urllib.parse import quote

import structlog
from flask import Flask, Response, g, redirect, render_template, request
from pydantic import ValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from onyx.core import errors as e
from onyx.core.findings import plain
from onyx.core.outages import is_away

from .limits import seconds_left

_log = structlog.get_logger()

STATUS: dict[type[e.OnyxError], int] = {
    e.Conflict: 409,
    e.Denied: 403,
    e.Invalid: 422,
    e.NotFound: 404,
    e.TooLarge: 413,
    e.TooMany: 429,
    e.Unauthenticated: 401,
    e.Unavailable: 503,
    e.WrongCredentials: 401,
}
_HTTP: dict[int, type[e.OnyxError]] = {404: e.NotFound, 413: e.TooLarge, 429: e.TooMany}


def status_of(error: e.OnyxError) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)


def body_of(error: e.OnyxError) -> dict[str, Any]:
    """The `error` member of an answer, also used in socket acknowledgements."""
    body: dict[str, Any] = {"code": error.code, "message": error.message, "request_id": g.get("request_id", "")}
    if error.fields:
        body["fields"] = error.fields
    if isinstance(error, e.QuotaReached):
        body["quota"] = error.quota
    if isinstance(error, e.Unauthenticated) and error.reason:
        body["reason"] = error.reason
    return body


def install(app: Flask) -> None:
    """Answer every exception in the one shape."""
    app.register_error_handler(e.OnyxError, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ValidationError, lambda error: answer(invalid(error)))
    app.register_error_handler(DataError, lambda _: answer(e.Invalid()))
    app.register_error_handler(UnicodeError, lambda _: answer(e.Invalid()))
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(PoolTimeout, lambda _: answer(e.Unavailable()))
    app.register_error_handler(Exception, _defect)


def answer(error: e.OnyxError) -> BaseResponse:
    """The response for an error: JSON for programs, a page or the sign-in page for people."""
    status = status_of(error)
    if wants_page():
        if isinstance(error, e.Unauthenticated) and not isinstance(error, e.WrongCredentials):
            return _to_sign_in(error)
        if isinstance(error, e.FactorRequired):
            return redirect("/settings/factor")
        page = render_template("errors/page.html", status=status, error=body_of(error))
        return _patiently(Response(page, status), error, "text/html; charset=utf-8")
    return _patiently(Response(json.dumps({"success": False, "error": body_of(error)}), status), error)


def _patiently(response: Response, error: e.OnyxError, content_type: str = "application/json") -> Response:
    """The response, with the seconds after which it may go well where those are known (RFC 9110, section 10.2.3)."""
    response.content_type = content_type
    if isinstance(error, e.TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def wants_page() -> bool:
    """Whether a person's browser asked for a page rather than a program for data."""
    if request.path.startswith(("/api/", "/scim/")) or request.path == "/chat":
        return False
    return "text/html" in request.headers.get("Accept", "")


def invalid(error: ValidationError) -> e.Invalid:
    """Pydantic's findings as field → what is wrong with it, without echoing what was sent."""
    fields = {".".join(map(str, item["loc"])) or "body": plain(item) for item in error.errors(include_input=False)}
    return e.Invalid(fields=fields)


def _to_sign_in(error: e.Unauthenticated) -> BaseResponse:
    back = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else ""
    query = "&".join(
        f"{name}={value}" for name, value in (("reason", error.reason), ("next", quote(back, safe=""))) if value
    )
    return redirect("/login" + (f"?{query}" if query else ""))


def _http(error: HTTPException) -> BaseResponse:
    if error.code is not None and error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    kind = _HTTP.get(error.code or 500)
    if kind is e.TooMany:
        return answer(e.TooMany(retry_after=seconds_left()))
    if kind is not None:
        return answer(kind())
    told = e.OnyxError(error.description or error.name)
    told.code = error.name.lower().replace(" ", "_")
    if wants_page():
        return Response(render_template("errors/page.html", status=error.code, error=body_of(told)), error.code)
    response = Response(json.dumps({"success": False, "error": body_of(told)}), error.code)
    response.content_type = "application/json"
    if error.code == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return response


def _database(error: OperationalError) -> BaseResponse:
    return answer(e.Unavailable()) if is_away(error) else _defect(error)


def _defect(error: Exception) -> BaseResponse:
    _log.exception("defect", route=str(request.url_rule), request_id=g.get("request_id"), kind=type(error).__name__)
    told = e.OnyxError("Onyx made a mistake. Nothing was changed; the request id helps to find out why.")
    told.code = "internal"
    if wants_page():
        return Response(render_template("errors/page.html", status=500, error=body_of(told)), 500)
    return Response(json.dumps({"success": False, "error": body_of(told)}), 500, content_type="application/json")
