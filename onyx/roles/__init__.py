"""Roles: what each of them allows, and those that an organisation makes for itself (I2, I4)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
