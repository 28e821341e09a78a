"""Columns that are sealed for one tenant of one installation: an archive that goes elsewhere has them sealed anew."""

import base64
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from onyx.core.sealing import seal, unseal
from onyx.tenancy.context import schema_of

from .load import Loaded
from .tables import Connection


class Column(NamedTuple):
    """A sealed column: the key of its table, the use it is sealed for, and what it is bound to."""

    table: str
    name: str
    key: str
    use: str
    bound: Callable[[UUID, Any], bytes]


COLUMNS = (
    Column("sso_provider", "sealed_secret", "id", "sso-secret", lambda tenant, key: tenant.bytes),
    Column("totp", "sealed_secret", "user_id", "totp", lambda tenant, key: tenant.bytes + key.bytes),
)


def plain(connection: Connection, tenant: UUID) -> list[list[str]]:
    """What an export carries of them, unsealed: table, key, value in base64."""
    found = []
    for column in COLUMNS:
        for key, hidden in _read(connection, tenant, column):
            value = unseal(column.use, bytes(hidden), column.bound(tenant, key))
            found.append([column.table, str(key), base64.b64encode(value).decode()])
    return found


def move(connection: Connection, tenant: UUID, loaded: Loaded) -> None:
    """Seal them for the tenant that they belong to now; nothing to do for one that came back where it was."""
    if tenant == loaded.origin and not loaded.secrets:
        return
    carried = {(table, key): base64.b64decode(value) for table, key, value in loaded.secrets}
    for column in COLUMNS:
        for key, hidden in _read(connection, tenant, column):
            value = carried.get((column.table, str(key)))
            if value is None:
                value = unseal(column.use, bytes(hidden), column.bound(loaded.origin, key))
            _write(connection, tenant, column, key, seal(column.use, value, column.bound(tenant, key)))


def _read(connection: Connection, tenant: UUID, column: Column) -> list[Any]:
    statement = sql.SQL("select {}, {} from {}").format(
        sql.Identifier(column.key), sql.Identifier(column.name), sql.Identifier(schema_of(tenant), column.table)
    )
    return connection.execute(statement).fetchall()


def _write(connection: Connection, tenant: UUID, column: Column, key: Any, hidden: bytes) -> None:
    statement = sql.SQL("update {} set {} = %s where {} = %s").format(
        sql.Identifier(schema_of(tenant), column.table), sql.Identifier(column.name), sql.Identifier(column.key)
    )
    connection.execute(statement, [hidden, key])
