"""Requests to the steward, as the platform's pages place and follow them (onyx.steward_request)."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from onyx.core.ids import uuid7
from onyx.core.scope import Scope

from .walls import control_plane

_PLACE = "insert into steward_request (id, operation, arguments, requested_by) values (%s, %s, %s, %s)"
_LATEST = """
select id, arguments, state, result, error, created_at, finished_at from steward_request
 where operation = %s order by created_at desc limit 1
"""


def place(control: Connection, operation: str, arguments: dict[str, Any], by: UUID | None) -> UUID:
    """Ask the steward for something, in an open transaction of the control plane; the row tells how it went."""
    id = uuid7()
    control.exec_driver_sql(_PLACE, (id, operation, json.dumps(arguments), by))
    return id


def latest(scope: Scope, operation: str) -> Any | None:
    """The newest request for an operation."""
    with control_plane(scope) as connection:
        return connection.exec_driver_sql(_LATEST, (operation,)).one_or_none()
