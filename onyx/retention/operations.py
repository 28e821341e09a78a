"""What the steward does about access logs: which organisations have months to archive, and one of them at a time."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from onyx.core.actor import Actor, Request
from onyx.core.ids import parse_id, uuid7
from onyx.tenancy import nodes, settings
from onyx.tenancy.steward import Refused, progress

from . import archiving
from .log_file import Owner

ARCHIVE = "archive_access_log"
JOB = "access_log.archive"
_OPEN = """
select t.id, t.node, t.settings from onyx.tenant t
 where t.status = 'active' and t.settings ? 'retention_access_days'
   and not exists (select from onyx.legal_hold h where h.tenant_id = t.id)
   and not exists (select from onyx.steward_request r where r.operation = %s and r.state in ('queued', 'running')
                      and r.arguments->>'tenant_id' = t.id::text)
 order by t.id
"""
_LEFT = "select distinct tenant_id from onyx.log_archive where state = 'written'"


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations, for one installation's data folder."""

    folder: Path

    @property
    def table(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {ARCHIVE: self.archive}

    def archive(self, owner_url: str, *, tenant_id: str) -> dict[str, Any]:
        """Archive the months of one organisation's access log that lie beyond its retention."""
        id = parse_id(tenant_id)
        if id is None:
            raise Refused("This is no id.")
        return archiving.archive(owner_url, self.folder, id, onyx(id), progress)


def onyx(tenant: UUID) -> Actor:
    """Onyx itself, as the tenant's trail shows it."""
    return Actor(tenant, "", "", None, "", "Onyx", kind="job", request=Request(uuid7().hex, "STEWARD", ARCHIVE))


def place(connection: Owner) -> int:
    """Ask for the archiving of each organisation that has a month to archive, or an interrupted one; returns how many.

    What lies on another node is not looked at from here: those with a retention are all asked for.
    """
    left = {row[0] for row in connection.execute(_LEFT)}
    wanted = [
        id
        for id, node, raw in connection.execute(_OPEN, [ARCHIVE]).fetchall()
        if id in left or node != nodes.MAIN or archiving.beyond(connection, id, settings.of(raw).retention_access_days)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into onyx.steward_request (id, operation, arguments) values (%s, %s, %s)",
            [(uuid7(), ARCHIVE, json.dumps({"tenant_id": str(id)})) for id in wanted],
        )
    return len(wanted)
