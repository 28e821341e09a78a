"""What an organisation decides for itself, as its administrators read and change it (T10)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
