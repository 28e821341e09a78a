"""What the steward does about backups: operations of its closed list, with ids and words as arguments."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from config.settings import Settings
from onyx.core.actor import Actor, Request
from onyx.edge.store import Store
from onyx.tenancy.steward import Refused, progress

from . import aftermath, making, shelf
from .restore import Source, restore

BACKUP, RESTORE, DRILL = "backup_tenant", "restore_backup", "drill_backup"
LONG = (BACKUP, RESTORE, DRILL)


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations, for one installation's settings: `Operations(settings).table`."""

    settings: Settings

    @property
    def table(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {BACKUP: self.backup, RESTORE: self.restore, DRILL: self.drill}

    def backup(self, owner_url: str, *, tenant_id: str, kind: str = "asked", asked_by: str = "") -> dict[str, Any]:
        """A backup of one organisation; old ones go when it is made."""
        actor = steward(owner_url, BACKUP, asked_by)
        made = making.make(owner_url, self.settings.onyx_var, _id(tenant_id), actor, kind, progress)
        making.prune(owner_url, self.settings.onyx_var, self.settings.backups_kept)
        del made["path"]
        return made

    def restore(
        self, owner_url: str, *, backup_id: str, slug: str | None = None, asked_by: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        """Bring a backup back; in place, what is there now is saved first."""
        return bring_back(
            owner_url, self.settings, _id(backup_id), steward(owner_url, RESTORE, asked_by), slug, progress
        )

    def drill(self, owner_url: str, *, backup_id: str, asked_by: str = "") -> dict[str, Any]:
        """Try whether a backup can be restored."""
        actor = steward(owner_url, DRILL, asked_by)
        return making.rehearse(owner_url, self.settings.onyx_var, _id(backup_id), actor, progress)


def bring_back(
    owner_url: str, settings: Settings, backup: UUID, actor: Actor, slug: str | None, tell: Callable[[int, int], None]
) -> dict[str, Any]:
    """Restore a backup by its id; in place, a backup of what is there now is made first, so that it can be undone."""
    with closing(psycopg.connect(owner_url, autocommit=True)) as connection:
        found = making.known(connection, backup)
        there = connection.execute("select 1 from onyx.tenant where id = %s", [found.tenant_id]).fetchone()
    saved = None
    if slug is None and there is not None:
        saved = making.make(owner_url, settings.onyx_var, found.tenant_id, actor, "before_restore")["id"]
    source = Source(shelf.path_of(settings.onyx_var, found.tenant_id, backup))
    went = aftermath.tell(store(settings), restore(owner_url, source, actor, slug, tell))
    return {**went, "saved_before": saved}


def store(settings: Settings) -> Store:
    """Redis, as the web processes use it."""
    return Store(settings.redis_cache_url or settings.redis_url)


def steward(owner_url: str, operation: str, asked_by: str) -> Actor:
    """Who stands in the trails for what the steward does: whoever asked, or Onyx itself."""
    with closing(psycopg.connect(owner_url, autocommit=True)) as connection:
        row = connection.execute("select id, slug, name from onyx.tenant where slug = 'platform'").fetchone()
    if row is None:
        raise Refused("This database has no platform yet: run `flask migrate`.")
    where = Request(uuid4().hex, "STEWARD", operation)
    return Actor(
        row[0],
        row[1],
        row[2],
        None,
        asked_by,
        asked_by or "Onyx",
        kind="platform" if asked_by else "job",
        request=where,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        raise Refused("This is no id.") from None
