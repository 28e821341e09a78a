"""SCIM 2.0 (RFC 7643, RFC 7644): a company's directory brings, changes and removes people (I7)."""

from flask import Flask

from . import doors


def register(app: Flask) -> None:
    for blueprint in doors.BLUEPRINTS:
        app.register_blueprint(blueprint)
