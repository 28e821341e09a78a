"""The trail as people read it: auditors their organisation's, everybody their own (A3, A7, A11)."""

from flask import Flask

from . import live, routes


def register(app: Flask) -> None:
    live.install()
    app.register_blueprint(routes.blueprint)
