"""Proof, on demand and every day, that organisations cannot see each other; signed, for auditors to keep (T9)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
