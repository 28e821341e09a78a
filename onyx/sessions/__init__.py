"""Login sessions: signing in and out, one's own sessions, and ending those of others (S1–S5)."""

from flask import Flask

from onyx.edge import lockout

from . import beside_routes, console_platform, console_routes, policy_routes, receipt_routes, routes, timeline
from .blocking import record_block

lockout.on_closed(record_block)


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(beside_routes.blueprint)
    app.register_blueprint(console_routes.blueprint)
    app.register_blueprint(console_platform.blueprint)
    app.register_blueprint(policy_routes.blueprint)
    app.register_blueprint(receipt_routes.blueprint)
    app.register_blueprint(timeline.blueprint)
