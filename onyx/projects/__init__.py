"""Projects: folders of a person's own chats and files (C8; sharing them is not built yet)."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
