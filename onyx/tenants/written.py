"""What a deletion certificate says (T1, C11)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from onyx.core.clock import rfc3339

CERTIFICATE = "tenant-deletion"
_BACKUPS = """
select count(*) as kept, max(created_at) as newest from onyx.backup where tenant_id = %s and state = 'done'
"""


def certificate_of(owner: psycopg.Connection[Any], deletion: UUID) -> dict[str, Any]:
    """The content of the certificate of a deletion that is done, in the open transaction of the owner."""
    with owner.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from onyx.deletion where id = %s", [deletion]).fetchone()
        assert row is not None
        kept = cursor.execute(_BACKUPS, [row["tenant_id"]]).fetchone() or {"kept": 0, "newest": None}
    return {
        "deletion": str(row["id"]),
        "tenant": {"id": str(row["tenant_id"]), "slug": row["slug"], "name": row["name"]},
        "reason": row["reason"],
        "requested": _act(row["requested_at"], row["requested_by"], row["requested_as"]),
        "confirmed": _act(row["confirmed_at"], row["confirmed_by"], row["confirmed_as"]),
        "finished_at": rfc3339(row["finished_at"]),
        "removed": ["directory", "schema", "role", "files", "redis", "keys"],
        "counted_before": row["counted"] or {},
        "backups": {"kept": kept["kept"], "newest": kept["newest"] and rfc3339(kept["newest"])},
    }


def _act(at: datetime, by: UUID | None, named: str) -> dict[str, Any]:
    return {"at": rfc3339(at), "by": str(by) if by else None, "as": named}
