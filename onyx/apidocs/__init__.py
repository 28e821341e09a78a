"""The API's own description: OpenAPI 3.1 for programs, a page for people."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
