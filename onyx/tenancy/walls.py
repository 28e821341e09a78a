"""Tells PostgreSQL at each BEGIN who asks: one statement, one round trip (DESIGN §3)."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onyx.core.db import db, is_away
from onyx.core.errors import Unavailable
from onyx.core.scope import Scope

from .context import schema_of, sign

_TENANT = (
    "select set_config('role', %s, true), set_config('search_path', %s, true), set_config('onyx.context', %s, true)"
)
_CONTROL = "select set_config('search_path', 'onyx', true), set_config('onyx.context', %s, true)"
bound_to_backend = True


def tell(connection: Connection, scope: Scope) -> None:
    """Take the tenant's role and path and hand over the signed context, for this transaction only."""
    schema = schema_of(scope.tenant)
    connection.info.setdefault("tenants", set()).add(scope.tenant)
    connection.exec_driver_sql(_TENANT, (schema, schema, sign(scope, _pid(connection))))


@contextmanager
def control_plane(scope: Scope) -> Iterator[Connection]:
    """A transaction on schema `onyx`, as onyx_app, with a signed context and no tenant's role.

    Raises Unavailable when PostgreSQL is away.
    """
    try:
        with db.engine.begin() as connection:
            connection.exec_driver_sql(_CONTROL, (sign(scope, _pid(connection)),))
            yield connection
    except (OperationalError, PoolTimeout) as error:
        if is_away(error):
            raise Unavailable() from error
        raise


def _pid(connection: Connection) -> int | None:
    if not bound_to_backend:
        return None
    return connection.connection.dbapi_connection.pgconn.backend_pid  # type: ignore[union-attr]
