"""What others need to check the signatures of this installation: certificates, reports, manifests."""

from flask import Flask

from . import routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
