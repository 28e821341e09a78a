"""One's second factors, confirming that it is still oneself, and whether an organisation requires a factor (I6)."""

from flask import Flask

from . import policy_routes, routes, step_up_routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(step_up_routes.blueprint)
    app.register_blueprint(policy_routes.blueprint)
