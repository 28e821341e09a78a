"""What the steward does about backups: operations of its closed list, with ids and words as arguments."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from config.settings import Settings
from onyx.core.actor import Actor, Request
from onyx.tenancy.context import schema_of
from onyx.tenancy.steward import Refused, progress, request_under_way

from . import aftermath, making, passing, shelf
from .restore import Source, restore

BACKUP, RESTORE, DRILL = "backup_tenant", "restore_backup", "drill_backup"
EXPORT, IMPORT = "export_tenant", "import_archive"
LONG = (BACKUP, RESTORE, DRILL, EXPORT, IMPORT)


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations, for one installation's settings: `Operations(settings).table`."""

    settings: Settings

    @property
    def table(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {
            BACKUP: self.backup, RESTORE: self.restore, DRILL: self.drill, EXPORT: self.export, IMPORT: self.bring_in,
        }  # fmt: skip

    def backup(self, owner_url: str, *, tenant_id: str, kind: str = "asked", asked_by: str = "") -> dict[str, Any]:
        """A backup of one organisation; old ones go when it is made."""
        actor = steward(owner_url, BACKUP, asked_by)
        made = making.make(owner_url, self.settings.onyx_var, _id(tenant_id), actor, kind, progress)
        making.prune(owner_url, self.settings.onyx_var, self.settings.backups_kept)
        del made["path"]
        return made

    def restore(
        self, owner_url: str, *, backup_id: str, slug: str | None = None, node: str | None = None, asked_by: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        """Bring a backup back; in place, what is there now is saved first."""
        actor = steward(owner_url, RESTORE, asked_by)
        return bring_back(owner_url, self.settings, _id(backup_id), actor, slug, progress, node)

    def drill(self, owner_url: str, *, backup_id: str, asked_by: str = "") -> dict[str, Any]:
        """Try whether a backup can be restored."""
        actor = steward(owner_url, DRILL, asked_by)
        return making.rehearse(owner_url, self.settings.onyx_var, _id(backup_id), actor, progress)

    def export(
        self, owner_url: str, *, tenant_id: str, parcel_id: str, sealed: str, asked_by: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        """An archive for another installation, under the passphrase that whoever asked was shown."""
        actor = steward(owner_url, EXPORT, asked_by)
        return passing.send(owner_url, self.settings, _id(tenant_id), _id(parcel_id), sealed, actor)

    def bring_in(
        self, owner_url: str, *, parcel_id: str, slug: str, sealed: str, node: str | None = None, asked_by: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        """An organisation from an archive that was received and looked at."""
        actor = steward(owner_url, IMPORT, asked_by)
        return passing.take_in(owner_url, self.settings, _id(parcel_id), slug, sealed, node, actor)


def bring_back(
    owner_url: str, settings: Settings, backup: UUID, actor: Actor, slug: str | None, tell: Callable[[int, int], None],
    node: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Restore a backup by its id; in place, a backup of what is there now is made first, so that it can be undone."""
    with closing(psycopg.connect(owner_url, autocommit=True)) as connection:
        found = making.known(connection, backup)
        there = connection.execute("select 1 from onyx.tenant where id = %s", [found.tenant_id]).fetchone()
    saved = None
    if slug is None and there is not None:
        saved = making.make(owner_url, settings.onyx_var, found.tenant_id, actor, "before_restore")["id"]
    source = Source(shelf.path_of(settings.onyx_var, found.tenant_id, backup))
    went = aftermath.tell(aftermath.store(settings), restore(owner_url, source, actor, slug, tell, node=node))
    return {**went, "saved_before": saved}


def steward(owner_url: str, operation: str, asked_by: str) -> Actor:
    """Who stands in the trails for what the steward does: whoever asked, or Onyx itself.

    What a request says of its asker is not believed: its row has the context's person.
    """
    with closing(psycopg.connect(owner_url, autocommit=True)) as connection:
        row = connection.execute("select id, slug, name from onyx.tenant where slug = 'platform'").fetchone()
        if row is None:
            raise Refused("This database has no platform yet: run `flask migrate`.")
        if request_under_way() is not None:
            asked_by = _asker(connection, row[0])
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


def _asker(connection: psycopg.Connection[Any], platform: UUID) -> str:
    """The e-mail of whoever placed the request under way; the page shows it, too."""
    people = sql.Identifier(schema_of(platform), "app_user")
    statement = sql.SQL("select u.email from onyx.steward_request r join {} u on u.id = r.requested_by where r.id = %s")
    row = connection.execute(statement.format(people), [request_under_way()]).fetchone()
    named: str = row[0] if row else ""
    connection.execute(
        "update onyx.steward_request set arguments = jsonb_set(arguments, '{asked_by}', to_jsonb(%s::text)) where id = %s",
        [named, request_under_way()],
    )
    return named


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        raise Refused("This is no id.") from None
