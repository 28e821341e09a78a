"""What the steward does on request: a closed list of operations with typed arguments, never SQL (DESIGN §3).

Requests are rows of onyx.steward_request, placed by platform admins; only a holder of the owner's URL runs them.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import CheckViolation, UniqueViolation

from onyx.core.db import said

from . import migrate, provisioning

_log = structlog.get_logger()
_STALE = "10 minutes"
_KEPT = "90 days"


class Refused(Exception):
    """A request that cannot be carried out; the message may be shown to the one who asked."""


class Elsewhere(Refused):
    """Another steward is carrying the same out: the request stays as it is, for that one to finish."""


def claim_next(owner_url: str, only: Collection[str] = (), but: Collection[str] = ()) -> UUID | None:
    """claim() over a connection of its own."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        return claim(connection, only, but)


def claim(connection: psycopg.Connection[Any], only: Collection[str] = (), but: Collection[str] = ()) -> UUID | None:
    """Take the oldest waiting request, or one that a steward took and died over; None when there is nothing to do.

    What a person asked for comes before what the schedule did: a thousand nightly backups keep no restore waiting.
    `only` and `but` name operations, so that what takes long can be done beside what is waited for.
    """
    row = connection.execute(
        "update onyx.steward_request set state = 'running', told_at = clock_timestamp() where id ="
        " (select id from onyx.steward_request where (state = 'queued'"
        f" or (state = 'running' and coalesce(told_at, created_at) < now() - interval '{_STALE}'))"
        " and (%(only)s::text[] = '{}' or operation = any(%(only)s)) and operation <> all(%(but)s)"
        " order by requested_by is null, created_at limit 1 for update skip locked) returning id",
        {"only": list(only), "but": list(but)},
    ).fetchone()
    return row[0] if row else None


def forget_old(connection: psycopg.Connection[Any]) -> int:
    """Remove requests that were done with long ago; returns how many."""
    return connection.execute(
        f"delete from onyx.steward_request where state in ('done', 'failed') and finished_at < now() - interval '{_KEPT}'"
    ).rowcount


def run(owner_url: str, request_id: UUID, more: "Mapping[str, Operation] | None" = None) -> bool:
    """Carry out a claimed request and write down how it went; returns whether it succeeded.

    `more` are operations of features that stand above this layer: the list is closed where the steward is started.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        row = connection.execute(
            "select operation, arguments from onyx.steward_request where id = %s and state = 'running'", [request_id]
        ).fetchone()
        if row is None:
            return False
        telling, doing = _progress.set(_teller(connection, request_id)), _request.set(request_id)
        try:
            result, error = _outcome(owner_url, row[0], row[1], more)
        except Elsewhere as other:
            _log.info("request left to another steward", request=str(request_id), operation=row[0], why=str(other))
            return False
        finally:
            _progress.reset(telling)
            _request.reset(doing)
        connection.execute(
            "update onyx.steward_request set state = %s, result = %s, error = %s, finished_at = clock_timestamp()"
            " where id = %s and (state <> 'done' or %s)",  # what came to pass did, whatever went wrong after it
            [
                "failed" if error else "done",
                json.dumps(result) if result is not None else None,
                error,
                request_id,
                not error,
            ],
        )
    return error is None


def _outcome(
    owner_url: str, name: str, arguments: dict[str, Any], more: "Mapping[str, Operation] | None"
) -> tuple[dict[str, Any] | None, str | None]:
    """What an operation returns, or why it could not, in words that platform admins may read. Raises Elsewhere."""
    try:
        return _operation(name, more)(owner_url, **arguments), None
    except Elsewhere:
        raise
    except (Refused, migrate.MigrationFailed) as failure:
        return None, str(failure)
    except TypeError as failure:  # mostly an argument that nobody knows; what else it may be stands in the log
        _log.warning("steward request not understood", request=str(_request.get()), operation=name, exc_info=True)
        return None, str(failure)
    except psycopg.Error as failure:  # the platform reads this: nothing of what is in a tenant's rows
        return None, said(failure)
    except Exception as failure:  # one request that cannot be carried out must not stop the steward for ever (F42)
        _log.exception("steward request failed", request=str(_request.get()), operation=name)
        return None, type(failure).__name__


def _operation(name: str, more: "Mapping[str, Operation] | None") -> "Operation":
    found = {**OPERATIONS, **(more or {})}.get(name)
    if found is None:
        raise Refused(f"The steward does not know the operation {name!r}.")
    return found


def done_with(connection: psycopg.Connection[Any], result: dict[str, Any]) -> None:
    """Say in the operation's own transaction that the request being carried out is done; nothing outside of one.

    For what must not happen twice: a request whose steward dies before it has said so is taken up again.
    """
    request_id = _request.get()
    if request_id is not None:
        connection.execute(
            "update onyx.steward_request set state = 'done', result = %s, finished_at = clock_timestamp() where id = %s",
            [json.dumps(result), request_id],
        )


def request_under_way() -> UUID | None:
    """The request that is being carried out; None outside of one."""
    return _request.get()


def create_tenant(owner_url: str, *, slug: str, name: str) -> dict[str, Any]:
    """Provision a tenant; run again after a crash it finishes what was begun."""
    try:
        return {"tenant_id": str(migrate.provision(owner_url, slug, name))}
    except UniqueViolation as error:
        raise Refused("looks_alike" if error.diag.constraint_name == "tenant_looks_alike" else "taken") from None
    except CheckViolation:
        raise Refused("malformed") from None


def migrate_tenants(owner_url: str, *, tenant: str | None = None) -> dict[str, Any]:
    """Bring the control plane and every tenant to this version, or one tenant."""
    only = UUID(tenant) if tenant is not None else None
    return {"migrated": migrate.migrate_all(owner_url, lambda _: None, progress=progress, only=only)}


def make_partitions(owner_url: str, *, months: int = 3, tenant: str | None = None) -> dict[str, Any]:
    """Make the log partitions of the coming months, for every tenant that is not put away or for the one named."""
    one = UUID(tenant) if tenant else None
    tenants, _made, failed = provisioning.partitions_ahead(owner_url, min(max(int(months), 1), 24), one)
    if failed:
        raise Refused(f"{len(failed)} organisations got no partitions; the steward's log says why.")
    return {"tenants": tenants}


def progress(done: int, total: int) -> None:
    """How far the request that is being carried out is; nothing outside of one. Written down twice a second at most."""
    tell = _progress.get()
    if tell is not None:
        tell(done, total)


def _teller(connection: psycopg.Connection[Any], request_id: UUID) -> Callable[[int, int], None]:
    last = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.5:
            last = time.monotonic()
            connection.execute(
                "update onyx.steward_request set progress = %s, told_at = clock_timestamp() where id = %s",
                [json.dumps({"done": done, "total": total}), request_id],
            )

    return tell


Operation = Callable[..., dict[str, Any]]
_progress: ContextVar[Callable[[int, int], None] | None] = ContextVar("onyx_steward_progress", default=None)
_request: ContextVar[UUID | None] = ContextVar("onyx_steward_request", default=None)
OPERATIONS: dict[str, Operation] = {
    "create_tenant": create_tenant,
    "make_partitions": make_partitions,
    "migrate_tenants": migrate_tenants,
}
