"""Making backups and exports, trying whether they can be restored, and letting old ones go."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from onyx.audit.actions import Action
from onyx.audit.record import record_as_owner, target
from onyx.core.actor import Actor
from onyx.core.db import said
from onyx.core.ids import uuid7
from onyx.tenancy import backup_ledger as ledger
from onyx.tenancy.steward import Refused
from onyx.tenancy.whole_files import Counted, placed, remove

from . import halfway, sealed, shelf, sides
from .dump import Archive, Step, Tell, dump, nothing
from .keyring import OwnKeys, new_passphrase, new_transfer
from .restore import Source, drill, held
from .sides import Sides
from .tables import Connection


def make(
    owner_url: str, folder: Path, tenant: UUID, actor: Actor, kind: str = "asked", tell: Tell = nothing,
    step: Step = nothing,
) -> dict[str, Any]:  # fmt: skip
    """Make a backup of a tenant; returns its id, file, size and checkpoint. Raises Refused.

    What an interrupted run left is cleared first.
    """
    halfway.mend(owner_url)
    with _owner(owner_url) as connection, held(connection, tenant):
        slug, node = _place(connection, tenant)
        shelf.clear(folder, tenant, _done(connection, tenant))
        id = uuid7()
        path = shelf.path_of(folder, tenant, id)
        ledger.begin(connection, id, tenant, slug, path.name, kind)
        step("begun")
        try:
            with placed(path) as file:
                archive = Archive(id, OwnKeys(tenant, id, connection), {})
                made = dump(owner_url, tenant, file, archive, tell, step, node)
            step("file in its place")
        except (Refused, psycopg.Error) as error:
            ledger.fail(connection, id, _why(error))
            raise
        with sides.opened(owner_url, node, connection) as both, both.transaction():
            ledger.finish(connection, id, file.size, file.sha256, made)
            about = {"backup": id, "sha256": file.sha256.hex(), "why": kind}
            _record(both, actor, Action.BACKUP_CREATED, tenant, slug, about)
    return {"id": str(id), "tenant": slug, "size": file.size, "checkpoint": made["checkpoint"], "path": str(path)}


def export(owner_url: str, path: Path, tenant: UUID, actor: Actor, tell: Tell = nothing, step: Step = nothing) -> str:
    """Write a tenant to a file for another installation; returns the passphrase, which is kept nowhere. Raises Refused."""
    if path.exists():
        raise Refused(f"{path} is there already.")
    id, passphrase = uuid7(), new_passphrase()
    write_export(owner_url, path, tenant, actor, passphrase, id, tell, step)
    return passphrase


def write_export(
    owner_url: str, path: Path, tenant: UUID, actor: Actor, passphrase: str, id: UUID, tell: Tell = nothing,
    step: Step = nothing,
) -> Counted:  # fmt: skip
    """export() under a passphrase that is there already; returns the file's size and digest. Raises Refused."""
    keys, told = new_transfer(id, passphrase)
    halfway.mend(owner_url)
    with _owner(owner_url) as connection, held(connection, tenant):
        slug, node = _place(connection, tenant)
        with placed(path) as file:
            archive = Archive(id, keys, {"transfer": told}, sealed.carry)
            dump(owner_url, tenant, file, archive, tell, step, node)
        with sides.opened(owner_url, node, connection) as both, both.transaction():
            about = {"archive": id, "sha256": file.sha256.hex()}
            _record(both, actor, Action.TENANT_EXPORTED, tenant, slug, about)
    return file


def rehearse(owner_url: str, folder: Path, id: UUID, actor: Actor, tell: Tell = nothing) -> dict[str, Any]:
    """Restore a backup where nobody sees it and let it go again; how it went stands in the ledger. Raises Refused."""
    with _owner(owner_url) as connection:
        found = known(connection, id)
        try:
            went = drill(owner_url, Source(shelf.path_of(folder, found.tenant_id, id)), tell)
            ok, says = True, f"{went['rows']} rows in {went['tables']} tables are as they were saved."
        except (Refused, psycopg.Error) as error:
            ok, says = False, _why(error)
        with connection.transaction():
            ledger.drilled(connection, id, ok, says)
            what = target("tenant", found.tenant_id, found.slug)
            record_as_owner(connection, actor.tenant_id, actor, Action.BACKUP_DRILLED, what, backup=id, ok=ok)
    if not ok:
        raise Refused(says)
    return {"id": str(id), "tenant": found.slug, "ok": ok, "says": says}


def prune(owner_url: str, folder: Path, kept: int) -> int:
    """Remove the nightly backups of each tenant beyond the newest `kept`; returns how many went."""
    with _owner(owner_url) as connection:
        rows = connection.execute(
            "select id, tenant_id from (select id, tenant_id, row_number() over (partition by tenant_id, kind"
            " order by created_at desc) as nth from onyx.backup where kind <> 'asked' and state <> 'running') b"
            " where nth > %s",
            [kept],
        ).fetchall()
        for id, tenant in rows:
            remove(shelf.path_of(folder, tenant, id))
            ledger.forget(connection, id)
    return len(rows)


def known(connection: Connection, id: UUID) -> ledger.Backup:
    """A finished backup. Raises Refused."""
    found = ledger.as_owner(connection, id)
    if found is None or found.state != "done":
        raise Refused("There is no finished backup by this id. `flask backups list` names them.")
    return found


def _record(both: Sides, actor: Actor, action: Action, tenant: UUID, slug: str, about: dict[str, Any]) -> None:
    """In the tenant's own trail and in the platform's."""
    for place, side in {actor.tenant_id: both.main, tenant: both.home}.items():
        record_as_owner(side, place, actor, action, target("tenant", tenant, slug), **about)


def _why(error: Refused | psycopg.Error) -> str:
    return said(error) if isinstance(error, psycopg.Error) else str(error)


@contextmanager
def _owner(owner_url: str) -> Iterator[Connection]:
    with closing(psycopg.connect(owner_url, autocommit=True)) as connection:
        yield connection


def _place(connection: Connection, tenant: UUID) -> tuple[str, str]:
    """A tenant's short name and the node on which it lies; nobody moves it while it is held. Raises Refused."""
    row = connection.execute(
        "select slug, node from onyx.tenant where id = %s and status <> 'provisioning'", [tenant]
    ).fetchone()
    if row is None:
        raise Refused("There is no such organisation.")
    return row[0], row[1]


def _done(connection: Connection, tenant: UUID) -> set[UUID]:
    rows = connection.execute("select id from onyx.backup where tenant_id = %s and state = 'done'", [tenant])
    return {row[0] for row in rows}
