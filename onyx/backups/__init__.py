"""Backups of one organisation: made while it is in use, sealed, tried, and brought back in place or beside (T12, J2)."""

from flask import Flask

from . import parcel_routes, routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(parcel_routes.blueprint)
