"""Single sign-on: people come in by their organisation's own OpenID provider (I7)."""

from flask import Flask

from . import entry_routes, routes


def register(app: Flask) -> None:
    app.register_blueprint(entry_routes.blueprint)
    app.register_blueprint(routes.blueprint)
