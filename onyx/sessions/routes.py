"""Signing in and out, and one's own login sessions."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_limiter import RequestLimit
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from onyx.access.ending import end, end_all_of
from onyx.access.freshness import must_be_fresh
from onyx.access.policy import Permission, landing
from onyx.core.actor import Actor
from onyx.edge import beside, csrf, lockout
from onyx.edge.entering import with_cookie
from onyx.edge.http import COOKIE, body, everybody, ok, request_meta, requires
from onyx.edge.limits import account, email_sent, limiter, text_sent
from onyx.edge.renewing import renewed
from onyx.edge.site import site
from onyx.edge.state import state
from onyx.identity import challenges, open_challenges, passkeys, tickets
from onyx.identity.models import LoginSession

from . import queries, service
from .blocking import record_block
from .forms import PasskeySignIn, SecondStep, SignIn
from .passkey_sign_in import sign_in_by_passkey
from .second_step import email_of, finish
from .sign_in import Challenged, Entered, sign_in

blueprint = Blueprint("sessions", __name__)
REASONS = {
    "signed_out": "You signed out.",
    "erased": "Your account was erased, with everything that you kept here.",
    "idle": "You were signed out because you were away for a long time.",
    "expired": "You were signed out because the session reached its time limit.",
    "revoked_by_admin": "You were signed out because an administrator ended this session.",
    "revoked_by_you": "You were signed out because you ended this session on another device.",
    "suspended": "You were signed out because your account is suspended.",
    "password_changed": "You were signed out because your password was changed.",
    "roles_changed": "You were signed out because your roles were changed.",
    "token_reused": "You were signed out because an old token of this session was used again.",
    "key_revoked": "The API key was revoked.",
    "password_set": "Your new password is set. Sign in with it.",
    "password_set_keys": "Your new password is set and your API keys were revoked. Sign in with the password.",
    "signed_in_anew": "You were signed out because you signed in anew in the same browser.",
    "address_refused": "Your organisation does not let people in from this network.",
    "sso_failed": "Signing in with your organisation did not work. Try again, or ask an administrator.",
    "sso_full": "Your organisation has no room for more people. Ask an administrator.",
    "sso_link_needed": "Your account may do much. Sign in with your password, then connect it in your settings.",
    "sso_logout": "You were signed out because you signed out at your organisation.",
    "sso_not_allowed": "Your organisation's sign-in service did not vouch for an e-mail address that belongs here.",
    "sso_unavailable": "This organisation has no single sign-on that works right now.",
    "sso_unknown": "There is no account for you here. Ask an administrator.",
    "tenant_restored": "You were signed out because your organisation was restored from a backup. Sign in again.",
    "tenant_suspended": "You were signed out because your organisation is suspended.",
    "too_many_sessions": "You were signed out because you signed in on more devices than your organisation allows.",
}


def _blocked(_limit: RequestLimit) -> None:
    record_block(email_sent(), request_meta())


def _challenged() -> str:
    """Wrong codes are counted for the person whose password was right, however many challenges they ask for."""
    ticket = tickets.read("sign_in", text_sent("challenge"))
    return ticket.user.hex if ticket else "none"


def _failed(response: Response) -> bool:
    return response.status_code == 401


def _too_many_codes(_limit: RequestLimit) -> None:
    email = email_of(text_sent("challenge"))
    if email:
        record_block(email, request_meta())


@blueprint.get("/login")
@everybody("120/minute")
def page() -> str:
    reason = REASONS.get(request.args.get("reason", ""))
    return render_template("login/page.html", reason=reason)


@blueprint.post("/api/v1/auth/login")
@lockout.by_password(account, _blocked)
@everybody("60/minute")
def login() -> BaseResponse:
    csrf.check_origin()
    form = body(SignIn)
    with lockout.one_try(form.email):
        outcome = sign_in(form, request_meta(), site())
    if isinstance(outcome, Challenged):
        return ok({"mfa_required": True, **asdict(outcome), "expires_in": 60 * challenges.MINUTES})
    return _welcome(outcome)


@blueprint.post("/api/v1/auth/mfa")
@lockout.by_code(_challenged, _too_many_codes)
@everybody("60/minute")
def second_step() -> BaseResponse:
    csrf.check_origin()
    form = body(SecondStep)
    with lockout.one_try(f"second step of {_challenged()}"):
        return _welcome(finish(form, request_meta(), site()))


@blueprint.post("/api/v1/auth/passkey/options")
@everybody("60/minute")
def passkey_options() -> dict[str, Any]:
    csrf.check_origin()
    return {"passkey": passkeys.for_anybody(site(), open_challenges.make())}


@blueprint.post("/api/v1/auth/passkey")
@limiter.limit("20 per 15 minutes", deduct_when=_failed)
@everybody("60/minute")
def passkey_sign_in() -> BaseResponse:
    csrf.check_origin()
    return _welcome(sign_in_by_passkey(body(PasskeySignIn), request_meta(), site()))


def _welcome(entered: Entered) -> BaseResponse:
    opened, user = entered.session, entered.user
    permissions = frozenset(user["permissions"])
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
    return beside.keep_what_was(with_cookie(response, opened), opened.token)


@blueprint.post("/api/v1/auth/logout")
@requires(Permission.OWN_SIGN_IN)
def logout(actor: Actor, session: Session) -> BaseResponse:
    assert actor.session_id is not None
    row = queries.login_session(session, actor, actor.session_id)
    if row is not None:
        end(session, actor, row, "logout", "signed_out")
    for other in beside.kept(actor):
        beside.sign_out_of(other.actor, "signed_out")
    response = ok({"signed_out": True})
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Lax", secure=state().settings.secure_cookies)
    return beside.forget(response)


@blueprint.post("/api/v1/auth/refresh")
@requires(Permission.OWN_ACCOUNT, limit="60/minute")
def refresh(actor: Actor, _session: Session) -> BaseResponse:
    opened = renewed(actor)
    return with_cookie(ok({"token": opened.token, "token_type": "Bearer", "expires_at": opened.expires_at}), opened)


@blueprint.get("/api/v1/auth/sessions")
@requires(Permission.OWN_ACCOUNT)
def own_sessions(actor: Actor, session: Session) -> list[dict[str, Any]]:
    return [service.shown(row, actor.session_id) for row in queries.own(session, actor)]


@blueprint.delete("/api/v1/auth/sessions/<session_id>")
@requires(Permission.OWN_ACCOUNT, of=queries.login_session)
def end_one(actor: Actor, session: Session, login_session: LoginSession) -> dict[str, Any]:
    """The one in use needs no fresh proof: that is signing out."""
    if login_session.id != actor.session_id:
        must_be_fresh(session, actor)
    return {"ended": [end(session, actor, login_session, "revoked", "revoked_by_you")]}


@blueprint.delete("/api/v1/auth/sessions")
@requires(Permission.OWN_ACCOUNT, fresh=True)
def end_others(actor: Actor, session: Session) -> dict[str, Any]:
    assert actor.user_id is not None
    return {"ended": end_all_of(session, actor, actor.user_id, "revoked_by_you", keep=actor.session_id)}


@blueprint.get("/api/v1/auth/check")
@requires(Permission.PROFILE_READ, limit="6000/minute")
def check(_actor: Actor, _session: Session) -> Response:
    """For a gateway's auth_request: 204 for a live session or API key, else 401."""
    return Response(status=204)
