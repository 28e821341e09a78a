"""Login sessions in other organisations that a browser keeps beside the one in use, of one person alone (S4).

The same person is who has the same e-mail there and has proved it there, by signing in with the wish to keep what was.
Each session lives by its own organisation's rules; which organisations know an e-mail is told to nobody.
"""

from dataclasses import dataclass

from flask import request
from werkzeug.wrappers import Response

from onyx.access.ending import end
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import OnyxError
from onyx.core.scope import tenant_scope
from onyx.identity import tokens
from onyx.identity.models import LoginSession

from . import gate
from .http import COOKIE, request_meta
from .state import state

BESIDE, WISH = "onyx_beside", "onyx_wish"
MOST = 4
WISH_SECONDS = 600
_BETWEEN = "~"  # in no token


@dataclass(frozen=True, slots=True)
class Kept:
    """A session beside the one in use: its token, and whom it belongs to at this moment."""

    token: str
    actor: Actor


def kept(actor: Actor) -> list[Kept]:
    """The sessions that this browser keeps for the same person in other organisations, as far as they live."""
    found: dict[str, Kept] = {}
    for token in request.cookies.get(BESIDE, "").split(_BETWEEN)[:MOST]:
        other = _alive(token)
        if other is not None and _same_person(other, actor) and other.tenant_slug not in found:
            found[other.tenant_slug] = Kept(token, other)
    return list(found.values())


def wish(response: Response) -> Response:
    """The next sign-in of this browser is to keep the session in use."""
    _set(response, WISH, "yes", WISH_SECONDS)
    return response


def came_with() -> bytes | None:
    """The digest of the token that this browser has in use; keep_what_was() ends its session, if it is of the tenant that
    is signed in to.
    """
    token = request.cookies.get(COOKIE, "")
    return tokens.digest(token) if token else None


def keep_what_was(response: Response, token: str) -> Response:
    """After signing in with `token`: keep the session that was in use, if that was wished and it is the same person's.

    Else it ends, with those beside it: no copy of an old token outlives a sign-in of the browser that it was taken from.
    """
    wished, before = request.cookies.get(WISH) == "yes", _alive(request.cookies.get(COOKIE, ""))
    if request.cookies.get(WISH):
        _set(response, WISH, "", 0)
    now = _alive(token) if wished else None
    if now is not None and before is not None and _same_person(before, now):
        others = [one.token for one in kept(now) if one.actor.tenant_id != before.tenant_id]
        return _keep(response, [request.cookies[COOKIE], *others])
    if before is not None:
        for actor in (before, *(one.actor for one in kept(before))):
            sign_out_of(actor, "signed_in_anew")
    return forget(response)


def sign_out_of(actor: Actor, reason: str) -> None:
    """End the session of somebody whose token this browser holds."""
    assert actor.user_id is not None and actor.session_id is not None
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        row = session.get(LoginSession, (actor.user_id, actor.session_id), with_for_update=True)
        if row is not None:
            end(session, actor, row, "logout", reason)


def exchange(response: Response, to: Kept, others: list[Kept]) -> Response:
    """Put a kept session in use and keep the one that was."""
    claims = tokens.read(to.token)
    assert claims is not None  # it was read a moment ago
    _set(response, COOKIE, to.token, expires=claims.expires)
    rest = [one.token for one in others if one.token != to.token]
    return _keep(response, [request.cookies[COOKIE], *rest])


def forget(response: Response) -> Response:
    """Keep nothing any more."""
    if request.cookies.get(BESIDE):
        _set(response, BESIDE, "", 0)
    return response


def _alive(token: str) -> Actor | None:
    """Whose the session is, if it lives. Looking at what is kept beside is no use of it: it grows idle all the same."""
    if not token or tokens.read(token) is None:
        return None
    try:
        return gate.identify(token, request_meta(), (gate.NOTICE, 10_000, 60))
    except OnyxError:
        return None


def _same_person(one: Actor, other: Actor) -> bool:
    return one.email == other.email and one.tenant_id != other.tenant_id


def _keep(response: Response, found: list[str]) -> Response:
    some = found[:MOST]
    ends = max((claims.expires for token in some if (claims := tokens.read(token))), default=0)
    _set(response, BESIDE, _BETWEEN.join(some), expires=ends)
    return response


def _set(response: Response, name: str, value: str, seconds: int | None = None, expires: int | None = None) -> None:
    response.set_cookie(
        name, value, max_age=seconds, expires=expires, path="/", httponly=True, samesite="Lax",
        secure=state().settings.secure_cookies,
    )  # fmt: skip
