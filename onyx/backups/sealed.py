"""Columns that are sealed for one tenant of one installation: an archive that goes elsewhere has them sealed anew."""

import base64
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from onyx.core import sealing
from onyx.tenancy.context import schema_of
from onyx.tenancy.sealed import unseal

from .load import Loaded
from .tables import Connection


class Column(NamedTuple):
    """A sealed column: the key of its table, the use it is sealed for, and whether the row is a person's."""

    table: str
    name: str
    key: str
    use: str
    personal: bool

    def belongs(self, key: Any) -> bytes:
        """What a value is bound to beside its tenant."""
        return key.bytes if self.personal else b""


COLUMNS = (
    Column("sso_provider", "sealed_secret", "id", "sso-secret", False),
    Column("totp", "sealed_secret", "user_id", "totp", True),
)
_OLD_FORM = b"\x01"


def plain(connection: Connection, tenant: UUID) -> list[list[str]]:
    """What an export carries of them, unsealed: table, key, value in base64."""
    found = []
    for column in COLUMNS:
        for key, hidden in _read(connection, tenant, column):
            person = key if column.personal else None
            value = unseal(column.use, bytes(hidden), column.belongs(key), tenant=tenant, user=person, owner=connection)
            found.append([column.table, str(key), base64.b64encode(value).decode()])
    return found


def move(connection: Connection, tenant: UUID, loaded: Loaded) -> None:
    """Seal anew what an export carries, and what an older version of Onyx bound to a tenant that this one is not."""
    carried = {(table, key): base64.b64decode(value) for table, key, value in loaded.secrets}
    for column in COLUMNS:
        for key, hidden in _read(connection, tenant, column):
            value = carried.get((column.table, str(key)))
            if value is None and hidden[:1] == _OLD_FORM and tenant != loaded.origin:
                value = sealing.unseal(column.use, bytes(hidden), loaded.origin.bytes + column.belongs(key))
            if value is not None:
                renewed = sealing.seal(column.use, value, tenant.bytes + column.belongs(key))
                _write(connection, tenant, column, key, renewed)


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
