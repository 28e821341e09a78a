"""Whether this process is alive, and whether it can work."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
