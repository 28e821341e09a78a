"""Which organisations need a backup, or a drill: a request to the steward for each, unless one waits already."""

import json
from collections.abc import Callable
from typing import Any

from onyx.core.ids import uuid7

from .operations import BACKUP, DRILL
from .tables import Connection

_OLD = """
select t.id from onyx.tenant t
 where t.status = 'active' and %(hours)s > 0 and t.created_at < now() - interval '1 hour'
   and not exists (select from onyx.backup b where b.tenant_id = t.id and b.state <> 'failed'
                      and b.created_at > now() - %(hours)s * interval '1 hour')
   and not exists (select from onyx.steward_request r where r.operation = %(operation)s
                      and r.state in ('queued', 'running') and r.arguments->>'tenant_id' = t.id::text)
 order by t.id
"""
_NEWEST = """
select distinct on (b.tenant_id) b.id from onyx.backup b join onyx.tenant t on t.id = b.tenant_id
 where b.state = 'done' and t.status = 'active'
   and not exists (select from onyx.steward_request r where r.operation = %(operation)s
                      and r.state in ('queued', 'running') and r.arguments->>'backup_id' = b.id::text)
 order by b.tenant_id, b.created_at desc
"""


def backups(connection: Connection, hours: int) -> int:
    """Ask for a backup of each active organisation whose newest one is older; returns how many.

    A new organisation has an hour: what is set up at this moment should not wait for its backup.
    """
    rows = connection.execute(_OLD, {"hours": hours, "operation": BACKUP}).fetchall()
    return _place(connection, BACKUP, [{"tenant_id": str(row[0]), "kind": "nightly"} for row in rows])


def drills(connection: Connection, _hours: int) -> int:
    """Ask for a drill of the newest backup of each active organisation; returns how many."""
    rows = connection.execute(_NEWEST, {"operation": DRILL}).fetchall()
    return _place(connection, DRILL, [{"backup_id": str(row[0])} for row in rows])


def _place(connection: Connection, operation: str, asked: list[dict[str, Any]]) -> int:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into onyx.steward_request (id, operation, arguments) values (%s, %s, %s)",
            [(uuid7(), operation, json.dumps(arguments)) for arguments in asked],
        )
    return len(asked)


PLACED: dict[str, Callable[[Connection, int], int]] = {"backups.drill": drills, "backups.make": backups}
