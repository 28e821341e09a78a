"""API keys: what programs present for a person (I8)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
