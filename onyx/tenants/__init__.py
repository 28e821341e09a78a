"""The organisations of an installation, as platform admins create, see, suspend and resume them (T1)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
