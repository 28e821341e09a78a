"""One's own account: who am I, profile, preferences, password."""

from flask import Flask

from . import data_routes, picture_routes, routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(data_routes.blueprint)
    app.register_blueprint(picture_routes.blueprint)
