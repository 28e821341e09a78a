"""Flask-Login carries the identity that the gate found; it keeps none of its own."""

from flask import Flask, Request, g
from flask_login import LoginManager, UserMixin

from onyx.core.actor import Actor
from onyx.core.errors import OnyxError

from .http import identified

login_manager = LoginManager()
login_manager.session_protection = None


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
    login_manager.init_app(app)
