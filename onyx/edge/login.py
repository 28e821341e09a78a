"""Flask-Login carries the identity that the gate found; it keeps none of its own."""

from flask import Flask, Request, g
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin

from onyx.core.actor import Actor
from onyx.core.errors import OnyxError

from .http import identified

login_manager = LoginManager()
login_manager.session_protection = None


class WhereThereIsOne(SecureCookieSessionInterface):
    """Flask's own session, in which the console keeps its notes from one page to the next: most requests bring none, and
    for those nothing is made ready to check its signature.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


class SignedIn(UserMixin):
    """The actor, as `flask_login.current_user`."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        return str(self.actor.user_id)


@login_manager.request_loader
def load(_request: Request) -> SignedIn | None:
    """Who is signed in by the token of this request, or nobody."""
    try:
        return SignedIn(g.get("actor") or identified())
    except OnyxError:
        return None


def install(app: Flask) -> None:
    app.session_interface = WhereThereIsOne()
    login_manager.init_app(app)
