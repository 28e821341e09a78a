"""What is sealed inside a tenant's rows, on its way to another tenant or another installation.

What the keyring's keys sealed needs those keys: a copy beside the original gets them, an export carries them, under
its passphrase. What older versions sealed is bound to this installation's secret and the tenant's id: it is sealed anew.
"""

import base64
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from onyx.core import sealing
from onyx.tenancy.context import schema_of
from onyx.tenancy.key_custody import Carried, put_in, taken_along

from .load import Loaded
from .sides import Sides
from .tables import Connection


class Column(NamedTuple):
    """A column that older versions sealed: the key of its table, the use, and whether the row is a person's."""

    table: str
    name: str
    key: str
    use: str
    personal: bool

    def bound(self, tenant: UUID, key: Any) -> bytes:
        return tenant.bytes + (key.bytes if self.personal else b"")


COLUMNS = (
    Column("sso_provider", "sealed_secret", "id", "sso-secret", False),
    Column("totp", "sealed_secret", "user_id", "totp", True),
)
_OLD_FORM = b"\x01"


def carry(both: Sides, tenant: UUID) -> dict[str, Any]:
    """What an export must have beside the rows; it goes under the passphrase as they do."""
    plain = [
        [column.table, str(key), _text(sealing.unseal(column.use, bytes(hidden), column.bound(tenant, key)))]
        for column in COLUMNS
        for key, hidden in _old(both.home, tenant, column)
    ]
    keys = [
        [str(key.user) if key.user else None, key.version, key.retired, key.tenant_version, _text(key.secret)]
        for key in taken_along(both.main, tenant)
    ]
    return {"plain": plain, "keys": keys}


def give_keys(main: Connection, tenant: UUID, loaded: Loaded, own: bool) -> None:
    """The keys with which a new tenant's rows were sealed: the original's as they are now, without the keys of those
    who were erased, else those that the export carries.
    """
    keys = taken_along(main, loaded.origin) if own and tenant != loaded.origin else []
    put_in(main, tenant, keys or [_carried(*line) for line in loaded.secrets.get("keys", [])])


def move(home: Connection, tenant: UUID, loaded: Loaded) -> None:
    """Seal anew what an older version bound to a tenant, or to an installation, that this one is not."""
    plain = {(table, key): base64.b64decode(value) for table, key, value in loaded.secrets.get("plain", [])}
    if tenant == loaded.origin and not plain:
        return
    for column in COLUMNS:
        for key, hidden in _old(home, tenant, column):
            value = plain.get((column.table, str(key)))
            if value is None:
                value = sealing.unseal(column.use, bytes(hidden), column.bound(loaded.origin, key))
            renewed = sealing.seal(column.use, value, column.bound(tenant, key))
            _write(home, tenant, column, key, renewed)


def _carried(user: str | None, version: int, retired: bool, above: int | None, secret: str) -> Carried:
    return Carried(UUID(user) if user else None, version, retired, above, base64.b64decode(secret))


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _old(connection: Connection, tenant: UUID, column: Column) -> list[Any]:
    statement = sql.SQL("select {}, {} from {} where substr({}, 1, 1) = %s").format(
        sql.Identifier(column.key), sql.Identifier(column.name), sql.Identifier(schema_of(tenant), column.table),
        sql.Identifier(column.name),
    )  # fmt: skip
    return connection.execute(statement, [_OLD_FORM]).fetchall()


def _write(connection: Connection, tenant: UUID, column: Column, key: Any, hidden: bytes) -> None:
    statement = sql.SQL("update {} set {} = %s where {} = %s").format(
        sql.Identifier(schema_of(tenant), column.table), sql.Identifier(column.name), sql.Identifier(column.key)
    )
    connection.execute(statement, [hidden, key])
