"""Signing in and out, and one's own login sessions."""

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_limiter import RequestLimit
from sqlalchemy.orm import Session

from onyx.access.ending import end, end_all_of
from onyx.access.policy import Permission, landing, permissions_of
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge import csrf
from onyx.edge.http import COOKIE, body, everybody, ok, presented_token, request_meta, requires
from onyx.edge.limits import limiter
from onyx.edge.state import state
from onyx.identity import tokens
from onyx.identity.models import LoginSession

from . import queries, service
from .forms import SignIn
from .sign_in import few_at_once, record_block, sign_in

blueprint = Blueprint("sessions", __name__)
REASONS = {
    "signed_out": "You signed out.",
    "idle": "You were signed out because you were away for a long time.",
    "expired": "You were signed out because the session reached its time limit.",
    "revoked_by_admin": "You were signed out because an administrator ended this session.",
    "revoked_by_you": "You were signed out because you ended this session on another device.",
    "suspended": "You were signed out because your account is suspended.",
    "password_changed": "You were signed out because your password was changed.",
    "roles_changed": "You were signed out because your roles were changed.",
    "token_reused": "You were signed out because an old token of this session was used again.",
    "tenant_suspended": "You were signed out because your organisation is suspended.",
}


def _account() -> str:
    """Failures are counted for the account that was aimed at, whatever address or program they come from (F23)."""
    email = _email()
    return email_digest(email).hex() if email else "none"


def _email() -> str:
    """The e-mail that was sent, if it can be one."""
    try:
        sent = request.get_json(silent=True, force=True)
        email = sent.get("email") if isinstance(sent, dict) else None
        return email if isinstance(email, str) and len(email) <= 254 and email.encode() else ""
    except (RecursionError, UnicodeError):
        return ""


def _blocked(_limit: RequestLimit) -> None:
    record_block(_email(), request_meta())


def _failed(response: Response) -> bool:
    return response.status_code == 401


@blueprint.get("/login")
@everybody("120/minute")
def page() -> str:
    reason = REASONS.get(request.args.get("reason", ""))
    return render_template("login/page.html", reason=reason)


@blueprint.post("/api/v1/auth/login")
@limiter.limit("10 per 15 minutes", key_func=_account, deduct_when=_failed, on_breach=_blocked)
@everybody("60/minute")
def login() -> Response:
    csrf.check_origin()
    form = body(SignIn)
    with few_at_once(form.email):
        opened, user = sign_in(form, request_meta())
    permissions = permissions_of(user["roles"], user["tenant"]["slug"])
    response = ok(
        {
            "token": opened.token,
            "token_type": "Bearer",
            "expires_at": opened.expires_at,
            "session_id": opened.session_id,
            "user": user,
            "landing": landing(permissions),
        }
    )
    return _with_cookie(response, opened)


@blueprint.post("/api/v1/auth/logout")
@requires(Permission.OWN_ACCOUNT)
def logout(actor: Actor, session: Session) -> Response:
    assert actor.session_id is not None
    row = queries.login_session(session, actor, actor.session_id)
    if row is not None:
        end(session, actor, row, "logout", "signed_out")
    response = ok({"signed_out": True})
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Lax", secure=state().settings.secure_cookies)
    return response


@blueprint.post("/api/v1/auth/refresh")
@requires(Permission.OWN_ACCOUNT, limit="60/minute")
def refresh(actor: Actor, _session: Session) -> Response:
    presented = tokens.digest(presented_token()[0])
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        opened = service.rotate(session, actor, presented)
    return _with_cookie(ok({"token": opened.token, "token_type": "Bearer", "expires_at": opened.expires_at}), opened)


@blueprint.get("/api/v1/auth/sessions")
@requires(Permission.OWN_ACCOUNT)
def own_sessions(actor: Actor, session: Session) -> list[dict[str, Any]]:
    return [service.shown(row, actor.session_id) for row in queries.own(session, actor)]


@blueprint.delete("/api/v1/auth/sessions/<session_id>")
@requires(Permission.OWN_ACCOUNT, of=queries.login_session)
def end_one(actor: Actor, session: Session, login_session: LoginSession) -> dict[str, Any]:
    return {"ended": [end(session, actor, login_session, "revoked", "revoked_by_you")]}


@blueprint.delete("/api/v1/auth/sessions")
@requires(Permission.OWN_ACCOUNT)
def end_others(actor: Actor, session: Session) -> dict[str, Any]:
    assert actor.user_id is not None
    return {"ended": end_all_of(session, actor, actor.user_id, "revoked_by_you", keep=actor.session_id)}


@blueprint.get("/api/v1/auth/check")
@requires(Permission.OWN_ACCOUNT, limit="6000/minute")
def check(_actor: Actor, _session: Session) -> Response:
    """For a gateway's auth_request: 204 for a live session, else 401."""
    return Response(status=204)


def _with_cookie(response: Response, opened: service.SignedIn) -> Response:
    response.set_cookie(
        COOKIE,
        opened.token,
        expires=opened.expires_at,
        httponly=True,
        samesite="Lax",
        secure=state().settings.secure_cookies,
        path="/",
    )
    g.pop("actor", None)
    return response
