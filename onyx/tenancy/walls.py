"""Tells PostgreSQL at each BEGIN who asks: one statement, one round trip (DESIGN §3)."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onyx.core.db import control_engine
from onyx.core.errors import Unavailable
from onyx.core.outages import is_away
from onyx.core.scope import Scope
from onyx.core.wire import Fixed, begin

from .context import schema_of, sign

_TENANT = Fixed(
    "select set_config('role', %s, true), set_config('search_path', %s, true), set_config('onyx.context', %s, true)"
)
_CONTROL = Fixed("select set_config('search_path', 'onyx', true), set_config('onyx.context', %s, true)")
bound_to_backend = True


def tell(connection: Connection, scope: Scope) -> None:
    """Take the tenant's role and path and hand over the signed context, for this transaction only."""
    tell_as(connection, scope.tenant, sign(scope, backend(connection)))


def tell_as(connection: Connection, tenant: UUID, context: str) -> None:
    """Take a tenant's role and path with this context, whoever made it: PostgreSQL judges."""
    schema = schema_of(tenant).encode()
    connection.info.setdefault("tenants", set()).add(tenant)
    begin(connection, _TENANT, schema, schema, context.encode(), tenant=schema)


@contextmanager
def control_plane(scope: Scope) -> Iterator[Connection]:
    """A transaction on schema `onyx`, as onyx_app, with a signed context and no tenant's role.

    Raises Unavailable when PostgreSQL is away.
    """
    try:
        with control_engine().begin() as connection:
            begin(connection, _CONTROL, sign(scope, backend(connection)).encode(), tenant=b"onyx")
            yield connection
    except (OperationalError, PoolTimeout) as error:
        if is_away(error):
            raise Unavailable() from error
        raise


def backend(connection: Connection) -> int | None:
    """The process id of the connection's backend, which contexts name; None behind a transaction pooler."""
    if not bound_to_backend:
        return None
    return connection.connection.dbapi_connection.pgconn.backend_pid  # type: ignore[union-attr]
