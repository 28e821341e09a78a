"""What a new organisation still needs, and a mail that shows that mail works (U1)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
