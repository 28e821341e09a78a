"""Chats: sending, streamed answers, lists, the seed documents' routes, and what sockets tell (C1–C5, X1–X4)."""

from flask import Flask

from . import batch_routes, live, pages, presence, routes, seed_routes, turn_routes  # noqa: F401


def register(app: Flask) -> None:
    for module in (pages, routes, batch_routes, turn_routes, seed_routes):
        app.register_blueprint(module.blueprint)
