"""What a deletion certificate says (T1, C11)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from onyx.core.clock import rfc3339

CERTIFICATE = "tenant-deletion"


def certificate_of(owner: psycopg.Connection[Any], deletion: UUID, backups_live: timedelta) -> dict[str, Any]:
    """The content of the certificate of a deletion that is done, in the open transaction of the owner.

    Onyx's own backups are removed; copies of them elsewhere are sealed with keys that are gone. What the operator copies
    of the whole database, `backups_live` long, holds its rows until then.
    """
    with owner.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from onyx.deletion where id = %s", [deletion]).fetchone()
        assert row is not None
    return {
        "deletion": str(row["id"]),
        "tenant": {"id": str(row["tenant_id"]), "slug": row["slug"], "name": row["name"]},
        "reason": row["reason"],
        "requested": _act(row["requested_at"], row["requested_by"], row["requested_as"]),
        "confirmed": _act(row["confirmed_at"], row["confirmed_by"], row["confirmed_as"]),
        "finished_at": rfc3339(row["finished_at"]),
        "removed": ["keys", "directory", "schema", "role", "files", "backups", "redis"],
        "counted_before": row["counted"] or {},
        "physical_backups_expire_at": rfc3339(row["finished_at"] + backups_live),
    }


def _act(at: datetime, by: UUID | None, named: str) -> dict[str, Any]:
    return {"at": rfc3339(at), "by": str(by) if by else None, "as": named}
