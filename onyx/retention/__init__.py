"""How long chats and access logs are kept: what would go, what goes, what keeps it all, and what is left of it (J1, J4)."""

from flask import Flask

from . import archive_routes, routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(archive_routes.blueprint)
