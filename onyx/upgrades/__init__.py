"""Which organisation is at which version, which could not be migrated and why, and trying again (T11)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
