"""The way to the provider and back, for people who are not signed in; and the provider's word that somebody left."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from onyx.access.ending import end
from onyx.access.policy import landing
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import AddressRefused, OnyxError
from onyx.core.scope import tenant_scope
from onyx.core.secrets import same
from onyx.edge import beside, gate
from onyx.edge.entering import with_cookie
from onyx.edge.http import COOKIE as SESSION_COOKIE
from onyx.edge.http import everybody, request_meta
from onyx.edge.state import state
from onyx.identity.models import LoginSession
from onyx.tenancy.listing import Tenant, tenant_by_slug

from . import entering, provider, queries, service, ticket
from .provider import Provider, Refused

blueprint = Blueprint("sso_entry", __name__)
_GO = "onyx_sso_go"


@blueprint.get("/login/sso/<name>")
@everybody("60/minute")
def leave(name: str) -> BaseResponse:
    """Send the browser to the organisation's provider, or ask first when nobody pressed anything here: where the
    provider knows them, somebody else's link would sign people in. An unknown one and one without a provider look alike.
    """
    try:
        place, its = found(name)
        onward = _own_path(request.args.get("next", ""))
        return depart(place, its, ticket.new(place.slug, onward)) if _is_wished() else _ask(place, onward)
    except (Refused, OnyxError):
        return _back("sso_unavailable")


@blueprint.get("/login/sso/<name>/callback")
@everybody("60/minute")
def arrive(name: str) -> BaseResponse:
    """Take the provider's answer: the session's cookie and the first page, or the sign-in page with the reason."""
    carried = ticket.unwrap(request.cookies.get(ticket.COOKIE, ""), name)
    try:
        place, its = found(name)
    except (Refused, OnyxError):
        return _back("sso_unavailable")
    try:
        response = _admit(place, its, carried)
    except Refused as refused:
        _record_refusal(place, refused)
        response = _back(refused.reason)
    except AddressRefused as refused:
        response = _back(refused.code)
    except OnyxError:
        response = _back("sso_unavailable")
    response.delete_cookie(ticket.COOKIE, path="/login/sso")
    return response


@blueprint.post("/login/sso/<name>/logout")
@everybody("120/minute")
def left(name: str) -> Response:
    """Back-channel logout: end the login sessions, sockets included, that came from there (section 2.5)."""
    try:
        place, its = found(name)
        claims = provider.logged_out(its, request.form.get("logout_token", "")[:8000])
    except (Refused, OnyxError):
        return Response('{"error":"invalid_request"}', 400, content_type="application/json")
    _end_sessions(place, its, str(claims.get("sub") or ""), str(claims.get("sid") or ""))
    return Response(status=200)


def _is_wished() -> bool:
    """Whether somebody pressed something on a page of Onyx: the browser says so (Fetch Metadata, which comes over TLS
    only), or the link does that the page between gave to this browser alone.
    """
    said = (request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-User"))
    given = request.cookies.get(_GO, "")
    return said == ("same-origin", "?1") or bool(given and same(request.args.get("go", ""), given))


def _ask(place: Tenant, onward: str) -> BaseResponse:
    word = secrets.token_urlsafe(18)
    response = make_response(render_template("login/sso.html", slug=place.slug, go=word, next=onward))
    response.set_cookie(
        _GO, word, max_age=ticket.LIFETIME, httponly=True, samesite="Lax", secure=state().settings.secure_cookies,
        path="/login/sso",
    )  # fmt: skip
    return response


def found(slug: str) -> tuple[Tenant, Provider]:
    """The organisation and its provider. Raises Refused when there is none, or it is switched off."""
    place = tenant_by_slug(slug)
    if place is None:
        raise Refused("sso_unavailable", "no such organisation")
    with tenant_scope(place.id, "auth"), unit_of_work() as session:
        row = queries.set_up(session)
    if row is None or not row.enabled:
        raise Refused("sso_unavailable", "no single sign-on")
    try:
        return place, service.provider_of(row, place.id)
    except ValueError:
        raise Refused("sso_unavailable", "the secret cannot be opened") from None


def depart(place: Tenant, its: Provider, carried: ticket.Ticket) -> BaseResponse:
    """Off to the provider, with the ticket in a cookie that only the way back brings."""
    address = provider.way_there(its, callback(place.slug), carried.state, carried.nonce, carried.verifier)
    response = redirect(address)
    response.set_cookie(
        ticket.COOKIE,
        ticket.wrap(carried),
        max_age=ticket.LIFETIME,
        httponly=True,
        samesite="Lax",
        secure=state().settings.secure_cookies,
        path="/login/sso",
    )
    return response


def callback(slug: str) -> str:
    """Where the provider sends people back to; registered there."""
    return f"{(state().settings.public_url or request.host_url).rstrip('/')}/login/sso/{slug}/callback"


def _admit(place: Tenant, its: Provider, carried: ticket.Ticket | None) -> BaseResponse:
    said = request.args.get("state", "")
    if carried is None or not same(said, carried.state):
        raise Refused("sso_failed", "the answer does not belong to this browser")
    if request.args.get("iss", its.issuer) != its.issuer:
        raise Refused("sso_failed", "the answer is another provider's")
    code = request.args.get("code", "")
    if not code:
        raise Refused("sso_failed", f"the provider says {request.args.get('error', 'nothing')[:60]}")
    claims = provider.redeem(its, code[:2000], callback(place.slug), carried.nonce, carried.verifier)
    if carried.link:
        entering.connect(_who_asked(carried), its, claims)
        return redirect("/settings/sso")
    opened = entering.enter(place, its, claims, request_meta())
    return beside.keep_what_was(with_cookie(redirect(carried.next or _first_page(opened.token)), opened), opened.token)


def _who_asked(carried: ticket.Ticket) -> Actor:
    """The person whose session asked to be connected, still signed in, in this very browser."""
    try:
        actor = gate.identify(request.cookies.get(SESSION_COOKIE, ""), request_meta(), ("600per60", 600, 60))
    except OnyxError:
        raise Refused("sso_failed", "no longer signed in") from None
    if actor.session_id != carried.links or actor.tenant_slug != carried.slug:
        raise Refused("sso_failed", "another session asked for this")
    return actor


def _first_page(token: str) -> str:
    actor = gate.identify(token, request_meta(), ("600per60", 600, 60))
    return landing(actor.permissions)


def _own_path(path: str) -> str:
    """A path of this site alone: nothing that leads elsewhere after signing in."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\", "/login")) and path.isprintable()
    return path[:500] if plain and "\\" not in path and not urlsplit(path).netloc else ""


def _back(reason: str) -> BaseResponse:
    return redirect(f"/login?reason={reason}")


def _record_refusal(place: Tenant, refused: Refused) -> None:
    actor = gate.anonymous(place.id, place.slug, place.name, request_meta())
    g.sign_in_actor = actor
    details: dict[str, Any] = {"outcome": "failure", "reason": f"{refused.reason}: {refused.detail}"[:200]}
    record_alone(actor, Action.SIGN_IN_FAILED, target("user", None), **details)


def _end_sessions(place: Tenant, its: Provider, subject: str, sid: str) -> None:
    actor = gate.anonymous(place.id, place.slug, place.name, request_meta())
    with tenant_scope(place.id, "auth"), unit_of_work() as session:
        for id in queries.sessions_of(session, its.issuer, subject, sid):
            row = session.query(LoginSession).filter_by(id=id).with_for_update().one()
            end(session, actor, row, "revoked", "sso_logout")
