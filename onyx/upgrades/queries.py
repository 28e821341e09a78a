"""Reading the ledger of migrations."""

from typing import Any
from uuid import UUID

from onyx.core.pages import cut
from onyx.core.scope import current_scope
from onyx.tenancy import ledger, requests
from onyx.tenancy.ledger import Standing

OPERATION = "migrate_tenants"
STATES = ("", "current", "behind", "failed", "unfinished")


def page(q: str, state: str, size: int, after: UUID | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of organisations with where they stand, the oldest first."""
    found = ledger.standings(current_scope(), size + 1, after, q, state)
    shown_rows, following = cut(found, size, lambda row: str(row.id))
    return [shown(row) for row in shown_rows], following


def summary() -> dict[str, Any]:
    """How far all of them are, and the newest request for a migration."""
    newest = requests.latest(current_scope(), OPERATION)
    request = None
    if newest is not None:
        request = {
            "id": newest.id,
            "tenant_id": newest.arguments.get("tenant"),
            "state": newest.state,
            "error": newest.error,
            "created_at": newest.created_at,
            "finished_at": newest.finished_at,
        }
    return {"version": ledger.latest(), **ledger.counts(current_scope()), "request": request}


def shown(row: Standing) -> dict[str, Any]:
    return {
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "status": row.status,
        "node": row.node,
        "version": row.version,
        "missing": row.missing,
        "state": _state(row),
        "failed_version": row.failed,
        "error": row.error,
        "finished_at": row.finished_at,
    }


def _state(row: Standing) -> str:
    if row.status == "provisioning":
        return "unfinished"
    if row.failed is not None:
        return "failed"
    return "behind" if row.missing else "current"
