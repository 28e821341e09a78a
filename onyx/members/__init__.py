"""The people of a tenant, as its administrators see and change them (I1–I3)."""

from flask import Flask

from . import about_routes, batch_routes, erasure_routes, roster_routes, routes


def register(app: Flask) -> None:
    app.register_blueprint(about_routes.blueprint)
    app.register_blueprint(batch_routes.blueprint)
    app.register_blueprint(erasure_routes.blueprint)
    app.register_blueprint(roster_routes.blueprint)
    app.register_blueprint(routes.blueprint)
