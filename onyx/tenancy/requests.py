"""Requests to the steward, as the platform's pages place and follow them (onyx.steward_request)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from onyx.core.ids import uuid7
from onyx.core.scope import Scope, current_scope

from .walls import control_plane

# No request of a person has this purpose: of SQL in one of them nothing is believed that the context does not say.
PURPOSE = "job:asking"
_PLACE = "insert into steward_request (id, operation, arguments, requested_by) values (%s, %s, %s, %s)"
_LATEST = """
select id, arguments, state, result, error, created_at, finished_at from steward_request
 where operation = %s order by created_at desc limit 1
"""


@contextmanager
def asking() -> Iterator[Connection]:
    """A transaction of its own for what only Onyx's code may ask for, in the name of the open scope's person."""
    scope = current_scope()
    with control_plane(Scope(scope.tenant, PURPOSE, scope.user, scope.session)) as connection:
        yield connection


def place(operation: str, arguments: dict[str, Any], id: UUID | None = None) -> UUID:
    """Ask the steward for something, in the name of the open scope's person; the row tells how it went."""
    with asking() as control:
        return place_in(control, operation, arguments, id)


def place_in(control: Connection, operation: str, arguments: dict[str, Any], id: UUID | None = None) -> UUID:
    """place() in a transaction that asking() began."""
    id = id or uuid7()
    control.exec_driver_sql(_PLACE, (id, operation, json.dumps(arguments), current_scope().user))
    return id


def latest(scope: Scope, operation: str) -> Any | None:
    """The newest request for an operation."""
    with control_plane(scope) as connection:
        return connection.exec_driver_sql(_LATEST, (operation,)).one_or_none()
