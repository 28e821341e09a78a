"""Invitations over HTTP: made, listed and withdrawn by administrators, used by whoever holds the link (I1)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
