"""Jobs as people see them: what happens by itself, when it last did, and starting it now (J3)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
