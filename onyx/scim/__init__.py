"""SCIM 2.0 (RFC 7643, RFC 7644): a company's directory brings, changes and removes people (I7)."""

from flask import Flask

from . import groups, routes, users


def register(app: Flask) -> None:
    for module in (routes, users, groups):
        app.register_blueprint(module.blueprint)
