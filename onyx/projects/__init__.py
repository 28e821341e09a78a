"""Projects: folders of a person's own chats and files, whose files colleagues may be let to read (C8)."""

from flask import Flask

from . import routes, sharing_routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(sharing_routes.blueprint)
