"""What one application holds for all its requests: settings, Redis, the bus. Reached through `state()`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from flask import current_app

from config.settings import Settings

from .brief import Brief
from .counting import Counted, Counts
from .store import Store

if TYPE_CHECKING:
    from .access_log import AccessLog
    from .at_once import Places
    from .bus import Bus
    from .streams import Streams


@dataclass(slots=True)
class State:
    settings: Settings
    store: Store
    bus: "Bus"
    access_log: "AccessLog"
    streams: "Streams"
    platform: UUID
    counts: Counts
    counted: Counted
    brief: Brief
    places: "Places"


def state() -> State:
    """The state of the current application."""
    found: State = current_app.extensions["onyx"]
    return found
