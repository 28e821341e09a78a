"""The organisations of an installation, from their making to their deletion, as platform admins see to it (T1)."""

from flask import Flask

from . import deletion_routes, routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(deletion_routes.blueprint)
