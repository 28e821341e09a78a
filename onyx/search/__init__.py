"""Search in one's own messages, titles and files (C1, C10)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
