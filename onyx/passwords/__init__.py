"""A new password by one-time link, for those who forgot theirs (I5)."""

from flask import Flask

from . import letters, routes  # noqa: F401 - registers the mail's kind


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
