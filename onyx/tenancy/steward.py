"""What the steward does on request: a closed list of operations with typed arguments, never SQL (DESIGN §3).

Requests are rows of onyx.steward_request, placed by platform admins; only a holder of the owner's URL runs them.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import CheckViolation, UniqueViolation

from . import migrate

_log = structlog.get_logger()
_STALE = "10 minutes"


class Refused(Exception):
    """A request that cannot be carried out; the message may be shown to the one who asked."""


def claim_next(owner_url: str) -> UUID | None:
    """Take the oldest waiting request, or one that a steward took and died over; None when there is nothing to do."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        row = connection.execute(
            "update onyx.steward_request set state = 'running' where id ="
            " (select id from onyx.steward_request where state = 'queued'"
            f" or (state = 'running' and created_at < now() - interval '{_STALE}')"
            " order by created_at limit 1 for update skip locked) returning id"
        ).fetchone()
    return row[0] if row else None


def run(owner_url: str, request_id: UUID) -> bool:
    """Carry out a claimed request and write down how it went; returns whether it succeeded."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        row = connection.execute(
            "select operation, arguments from onyx.steward_request where id = %s and state = 'running'", [request_id]
        ).fetchone()
        if row is None:
            return False
        try:
            result, error = OPERATIONS[row[0]](owner_url, **row[1]), None
        except KeyError:
            result, error = None, f"The steward does not know the operation {row[0]!r}."
        except (Refused, TypeError, migrate.MigrationFailed, psycopg.Error) as failure:
            result, error = None, str(failure)
        except Exception as failure:  # one request that cannot be carried out must not stop the steward for ever (F42)
            _log.exception("steward request failed", request=str(request_id), operation=row[0])
            result, error = None, type(failure).__name__
        connection.execute(
            "update onyx.steward_request set state = %s, result = %s, error = %s, finished_at = clock_timestamp()"
            " where id = %s",
            ["failed" if error else "done", json.dumps(result) if result is not None else None, error, request_id],
        )
    return error is None


def create_tenant(owner_url: str, *, slug: str, name: str) -> dict[str, Any]:
    """Provision a tenant; run again after a crash it finishes what was begun."""
    try:
        return {"tenant_id": str(migrate.provision(owner_url, slug, name))}
    except UniqueViolation:
        raise Refused("taken") from None
    except CheckViolation:
        raise Refused("malformed") from None


def migrate_tenants(owner_url: str, *, tenant: str | None = None) -> dict[str, Any]:
    """Bring the control plane and every tenant to this version, or one tenant."""
    only = UUID(tenant) if tenant is not None else None
    return {"migrated": migrate.migrate_all(owner_url, lambda _: None, only=only)}


def make_partitions(owner_url: str, *, months: int = 3) -> dict[str, Any]:
    """Make the log partitions of the coming months for every tenant."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        tenants = connection.execute("select id from onyx.tenant where status <> 'provisioning'").fetchall()
        for (tenant,) in tenants:
            migrate.make_partitions(connection, tenant, min(max(int(months), 1), 24))
    return {"tenants": len(tenants)}


OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "create_tenant": create_tenant,
    "make_partitions": make_partitions,
    "migrate_tenants": migrate_tenants,
}
