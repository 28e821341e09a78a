"""Live numbers for administrators: counted in every process, added up in Redis, shown each second (M1)."""

from flask import Flask

from onyx.edge import new_events
from onyx.edge.state import state

from . import board, counters, live, routes


def register(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    with app.app_context():
        state().access_log.watchers.append(counters.answered)
        state().bus.subscribe(live.rooms_as_they_may_be(app))
    new_events.watch(counters.happened)
    new_events.watch(live.tell_of_sessions)


def start(app: Flask) -> None:
    """Count and show in the background; for serving processes."""
    board.start(app)
