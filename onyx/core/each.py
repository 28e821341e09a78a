"""Small work for many tenants: for each a transaction of its own; those that a connection knows go in one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from . import db
from .errors import Unavailable
from .scope import tenant_scope
from .wire import Call

MOST = 8  # tenants in one round trip, which holds their connection for so long


def in_each(purpose: str, work: Mapping[UUID, Sequence[Call]]) -> dict[UUID, int]:
    """Run each tenant's fixed statements for a purpose `job:…`; how many rows they changed, of those that committed.

    What stopped the others shows when they are tried again in a unit of work.
    """
    left, done = dict(work), dict[UUID, int]()
    while left:
        first = next(iter(left))
        try:
            found = _together(purpose, first, left)
        except Unavailable:
            found = [(first, None)]  # on a node that is not known here
        except (SQLAlchemyError, psycopg.Error):
            return done  # PostgreSQL is away, or in trouble
        committed = {tenant: rows for tenant, rows in found if rows is not None}
        stopped = next((tenant for tenant, rows in found if rows is None), None)
        done |= committed
        left = {tenant: calls for tenant, calls in left.items() if tenant not in committed and tenant != stopped}
    return done


def _together(purpose: str, first: UUID, left: Mapping[UUID, Sequence[Call]]) -> list[tuple[UUID, int | None]]:
    """One round trip for a tenant and others that its connection knows: how many rows, None for who was stopped."""
    with tenant_scope(first, purpose) as scope:
        connection = db.engine_of(scope).connect()
    with connection:
        known = connection.info.get("tenants", ())
        together = [first, *(tenant for tenant in left if tenant in known and tenant != first)][:MOST]
        wire: Any = connection.connection.dbapi_connection
        for tenant in together:
            with tenant_scope(tenant, purpose):
                db.tell(connection)
            wire.commit_each(left[tenant])
        return list(zip(together, wire.commit_all(), strict=True))
