"""Which organisations need a backup, or a drill: a request to the steward for each, unless one waits already."""

import json
from collections.abc import Callable
from typing import Any

from onyx.core.ids import uuid7

from .operations import BACKUP, DRILL
from .tables import Connection

_WAITS = """
not exists (select from onyx.steward_request r where r.operation = %(operation)s and r.state in ('queued', 'running')
               and r.arguments->>'{0}' = {1}::text)
"""
# Whose last try lies longest ago first: one that fails each time keeps no other.
_OLD = f"""
select t.id from onyx.tenant t
 where t.status = 'active' and %(hours)s > 0 and t.created_at < now() - interval '1 hour'
   and not exists (select from onyx.backup b where b.tenant_id = t.id and b.state <> 'failed'
                      and b.created_at > now() - %(hours)s * interval '1 hour')
   and {_WAITS.format("tenant_id", "t.id")}
 order by (select max(b.created_at) from onyx.backup b where b.tenant_id = t.id) nulls first, t.id
 limit %(most)s
"""
_NEWEST = f"""
select n.id from onyx.tenant t cross join lateral (
    select b.id from onyx.backup b where b.tenant_id = t.id and b.state = 'done' order by b.created_at desc limit 1) n
 where t.status = 'active'
   and not exists (select from onyx.backup b where b.tenant_id = t.id
                      and b.drill_at > now() - %(hours)s * interval '1 hour')
   and {_WAITS.format("backup_id", "n.id")}
 order by (select max(b.drill_at) from onyx.backup b where b.tenant_id = t.id) nulls first, t.id
 limit %(most)s
"""
# Spread over the whole time, with as much again to catch up; what waits already counts.
_SHARE = """
select greatest(%(least)s, ceil(2.0 * (select count(*) from onyx.tenant where status = 'active') / %(hours)s)::int)
     - (select count(*) from onyx.steward_request where operation = %(operation)s and state in ('queued', 'running')
           and requested_by is null)
"""
LEAST = 20
DRILL_HOURS = 7 * 24


def backups(connection: Connection, hours: int) -> int:
    """Ask for a backup of active organisations whose newest one is older; returns how many.

    Each hour a part of them, so that many organisations are not all saved at once. A new organisation has an hour: what
    is set up at this moment should not wait for its backup.
    """
    return _due(connection, _OLD, BACKUP, hours, lambda id: {"tenant_id": id, "kind": "nightly"})


def drills(connection: Connection, _hours: int) -> int:
    """Ask for a drill of the newest backup of active organisations that had none for a week; returns how many."""
    return _due(connection, _NEWEST, DRILL, DRILL_HOURS, lambda id: {"backup_id": id})


def _due(connection: Connection, which: str, operation: str, hours: int, arguments: Callable[[str], Any]) -> int:
    values = {"hours": max(hours, 0), "operation": operation, "least": LEAST}
    if hours <= 0:
        return 0
    share = connection.execute(_SHARE.encode(), values).fetchone()
    rows = connection.execute(which.encode(), {**values, "most": max(share[0] if share else 0, 0)}).fetchall()
    return _place(connection, operation, [arguments(str(row[0])) for row in rows])


def _place(connection: Connection, operation: str, asked: list[dict[str, Any]]) -> int:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into onyx.steward_request (id, operation, arguments) values (%s, %s, %s)",
            [(uuid7(), operation, json.dumps(arguments)) for arguments in asked],
        )
    return len(asked)


PLACED: dict[str, Callable[[Connection, int], int]] = {"backups.drill": drills, "backups.make": backups}
