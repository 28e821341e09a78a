"""HTTP's way in: `@requires(permission, of=loader)` on every route, `@everybody(limit)` on the few open ones.

identify → limit → CSRF → authorize → scope and transaction → load (404 outside scope) → one call → event → commit.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, g, request
from pydantic import BaseModel, ConfigDict, model_validator
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from onyx.access.freshness import must_be_fresh
from onyx.access.policy import PURPOSE, Permission
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.clock import rfc3339
from onyx.core.db import unit_of_work
from onyx.core.errors import Denied, FactorRequired, Invalid, NotFound, Unauthenticated
from onyx.core.ids import parse_id
from onyx.core.scope import tenant_scope
from onyx.identity.keys import looks_like_key

from . import bounds, csrf, gate
from .limits import DEFAULT, limiter, parsed
from .state import state

COOKIE = "onyx_session"
DEEPEST = 32  # what is kept is read again where the stack is higher: by an auditor, in a socket event
View = Callable[..., Any]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks of the one who comes: None as permission means everybody; `loads` names the loader."""

    permission: Permission | None
    limit: str
    fresh: bool = False
    loads: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, with the cursor of the next one."""

    items: list[Any]
    next: str | None


class Body(BaseModel):
    """A JSON body: unknown fields are ignored; text that PostgreSQL cannot hold is refused everywhere."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=False)

    @model_validator(mode="before")
    @classmethod
    def text_that_can_be_stored(cls, data: Any) -> Any:
        _check_text(data)
        return data


def requires(
    permission: Permission,
    of: Callable[..., Any] | None = None,
    limit: str = DEFAULT,
    fresh: bool = False,
    spends: str | None = None,
) -> Callable[[View], View]:
    """Let a view run for an actor who holds `permission`, inside its purpose's scope and one unit of work.

    The view gets `(actor, session, **ids)`. Path parameters that end in `_id` arrive as UUIDs. With `of`, a loader
    `(session, actor, **ids)`, they are replaced by what it finds, under the loader's own name; None is a 404.
    With `fresh`, a write, or a download, also needs a proof not older than ten minutes that it is still them (I6);
    `spends` is the daily quota of which it takes one (T10).
    """
    most, seconds = parsed(limit)
    group = f"{most}per{seconds}"

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(**ids: Any) -> BaseResponse:
            actor = identified((group, most, seconds), spends)
            scope = (actor.tenant_id, PURPOSE[permission], actor.user_id, actor.session_id)
            with bounds.kept_to(actor, spends):
                authorize(actor, permission)
                return inside(actor, scope, ids)

        def inside(actor: Actor, scope: tuple[Any, ...], ids: dict[str, Any]) -> BaseResponse:
            if fresh and not _only_shows_a_form():
                _must_be_fresh(actor)
            with tenant_scope(*scope):
                with unit_of_work() as session:
                    found = _load(of, session, actor, ids)
                    return answer_with(view(actor, session, **found))

        guarded.__dict__["onyx_rule"] = Rule(permission, limit, fresh, of.__name__ if of else "")
        return guarded

    return guard


def _must_be_fresh(actor: Actor) -> None:
    """In a unit of work of its own, since a view that opens another one must not hold two; and for purpose `auth`, which
    sees login sessions whatever the door is for: an auditor's does not. Raises StepUpRequired.
    """
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        must_be_fresh(session, actor)


def _only_shows_a_form() -> bool:
    """Whether this reads a page whose form, sent to the same address, is what is dangerous."""
    rule = request.url_rule
    return request.method in csrf.SAFE and rule is not None and not (rule.methods or set()) <= csrf.SAFE


def everybody(limit: str, **more: Any) -> Callable[[View], View]:
    """Open a route to all, limited for each address by Flask-Limiter."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(**ids: Any) -> BaseResponse:
            return answer_with(view(**ids))

        limited: View = limiter.limit(limit, **more)(guarded)
        limited.__dict__["onyx_rule"] = Rule(None, limit)
        return limited

    return guard


def identified(limit: tuple[str, int, int] = ("600per60", 600, 60), spends: str | None = None) -> Actor:
    """The actor of this request, found once. Raises Unauthenticated, TooMany, or Denied for a forged write."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        token, by_cookie = presented_token()
        actor = gate.identify(token, request_meta(), limit, spends=spends)
        g.logged_actor = actor
        if by_cookie and actor.session_id is not None:
            with bounds.kept_to(actor, spends):
                csrf.check_write(actor.session_id)
        g.actor = actor  # only now: whoever asks again must not find somebody whose write was refused
    _must_be_who_they_say(actor)
    return actor


def presented_token() -> tuple[str, bool]:
    """The session token of this request and whether the cookie brought it. Raises Unauthenticated without one."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header[7:].strip(), False
    token = request.cookies.get(COOKIE, "")
    if not token or looks_like_key(token):  # keys are for programs, which send them as bearer
        raise Unauthenticated()
    return token, True


def authorize(actor: Actor, permission: Permission) -> None:
    """Raise Denied, after recording it, unless the actor holds the permission now."""
    if not actor.may(permission):
        if actor.must_enrol:
            raise FactorRequired()
        where = f"{actor.request.method} {actor.request.route}"
        record_alone(actor, Action.ACCESS_DENIED, target("route", "", where), outcome="denied", reason=permission)
        raise Denied()


def request_meta() -> Request:
    return Request(
        id=g.request_id,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else "",
        ip=request.remote_addr or "",
        user_agent=request.headers.get("User-Agent", ""),
    )


def body(model: type[Model]) -> Model:
    """The JSON body as `model`. Raises Invalid (with fields), or 400 for what is not JSON."""
    raw = request.get_data(cache=True)
    try:
        data = json.loads(raw, parse_constant=_not_a_number) if raw else {}
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON in UTF-8.") from None
    if not isinstance(data, dict):
        raise Invalid("The body must be a JSON object.")
    return model.model_validate(data)


def query_int(name: str, default: int, least: int, most: int) -> int:
    """An integer of the query string, within bounds. Raises Invalid."""
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise Invalid(fields={name: f"Give a number from {least} to {most}."})
    return int(text)


def ok(data: Any = None, status: int = 200, **more: Any) -> Response:
    """`{"success": true, "data": …}`."""
    text = json.dumps({"success": True, "data": data, **more}, default=_plain, separators=(",", ":"))
    return Response(text, status, content_type="application/json")


def answer_with(result: Any) -> BaseResponse:
    """A view's result as a response: a Response as it is, a Page as list with cursor, text as HTML, the rest as data."""
    if isinstance(result, BaseResponse):
        return result
    if isinstance(result, Page):
        return ok(result.items, next=result.next)
    if isinstance(result, str):
        return Response(result, content_type="text/html; charset=utf-8")
    return ok(result)


def install(app: Flask) -> None:
    """Log every authenticated request when it is done, streams when they end (A3)."""

    @app.after_request
    def log(response: Response) -> Response:
        actor: Actor | None = g.get("actor") or g.get("logged_actor")
        if actor is not None:
            began, status, entry = g.began, response.status_code, _object()
            log_line = state().access_log.write

            def finish() -> None:
                log_line(actor, "http", entry, status, time.perf_counter() - began)

            if response.is_streamed:
                response.call_on_close(finish)
            else:
                finish()
        return response


def check_all_guarded(app: Flask) -> None:
    """Refuse to boot with a route that names no rule: a forgotten guard is a defect, not a public page."""
    bare = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(app.view_functions[rule.endpoint], "onyx_rule")
    ]
    if bare:
        raise RuntimeError(f"these routes need @requires(…) or @everybody(…): {', '.join(sorted(set(bare)))}")


def _check_text(value: Any, depth: int = 0) -> None:
    """Raise ValueError for NUL and for lone surrogates, wherever they hide, and for what nests too deeply to read."""
    if depth > DEEPEST:
        raise ValueError(f"must not be nested more than {DEEPEST} deep")
    if isinstance(value, str):
        if "\x00" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
            raise ValueError("must not contain NUL characters or lone surrogates")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_text(item, depth + 1)


def _not_a_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _load(of: Callable[..., Any] | None, session: Any, actor: Actor, ids: dict[str, Any]) -> dict[str, Any]:
    parsed_ids = {name: parse_id(value) if name.endswith("_id") else value for name, value in ids.items()}
    if any(value is None for value in parsed_ids.values()):
        raise NotFound()
    if of is None:
        return parsed_ids
    found = of(session, actor, **parsed_ids)
    if found is None:
        raise NotFound()
    return {of.__name__: found}


def _object() -> str:
    return "/".join(str(value) for value in (request.view_args or {}).values())


def _must_be_who_they_say(actor: Actor) -> None:
    """The seed's X-User-ID header may be sent; it never decides who somebody is (X3)."""
    said = request.headers.get("X-User-ID")
    if said is not None and parse_id(said) != actor.user_id:
        raise Denied("X-User-ID is not the person who is signed in.")


def _plain(value: Any) -> Any:
    return rfc3339(value) if hasattr(value, "isoformat") else str(value)
