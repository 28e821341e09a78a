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
from onyx.tenancy import nodes
from onyx.tenancy.steward import Refused
from onyx.tenancy.whole_files import placed, remove

from . import sealed, shelf
from .dump import Archive, Step, Tell, dump, nothing
from .keyring import OwnKeys, new_transfer
from .restore import Source, drill, held
from .tables import Connection


def make(
    owner_url: str, folder: Path, tenant: UUID, actor: Actor, kind: str = "asked", tell: Tell = nothing,
    step: Step = nothing,
) -> dict[str, Any]:  # fmt: skip
    """Make a backup of a tenant; returns its id, file, size and checkpoint. Raises Refused.

    What an interrupted run left is cleared first.
    """
    with _owner(owner_url) as connection, held(connection, tenant):
        slug = _slug(connection, tenant)
        shelf.clear(folder, tenant, _done(connection, tenant))
        id = uuid7()
        path = shelf.path_of(folder, tenant, id)
        ledger.begin(connection, id, tenant, slug, path.name, kind)
        step("begun")
        try:
            with placed(path) as file:
                made = dump(owner_url, tenant, file, Archive(id, OwnKeys(tenant, id, connection), {}), tell, step)
            step("file in its place")
        except (Refused, psycopg.Error) as error:
            ledger.fail(connection, id, _why(error))
            raise
        with connection.transaction():
            ledger.finish(connection, id, file.size, file.sha256, made)
            for place in {actor.tenant_id, tenant}:
                about = {"backup": id, "sha256": file.sha256.hex(), "why": kind}
                record_as_owner(
                    connection, place, actor, Action.BACKUP_CREATED, target("tenant", tenant, slug), **about
                )
    return {"id": str(id), "tenant": slug, "size": file.size, "checkpoint": made["checkpoint"], "path": str(path)}


def export(owner_url: str, path: Path, tenant: UUID, actor: Actor, tell: Tell = nothing, step: Step = nothing) -> str:
    """Write a tenant to a file for another installation; returns the passphrase, which is kept nowhere. Raises Refused."""
    if path.exists():
        raise Refused(f"{path} is there already.")
    id = uuid7()
    keys, told, passphrase = new_transfer(id)
    with _owner(owner_url) as connection, held(connection, tenant):
        slug = _slug(connection, tenant)
        with placed(path) as file:
            dump(owner_url, tenant, file, Archive(id, keys, {"transfer": told}, sealed.carry), tell, step)
        with connection.transaction():
            for place in {actor.tenant_id, tenant}:
                about = {"archive": id, "sha256": file.sha256.hex()}
                record_as_owner(
                    connection, place, actor, Action.TENANT_EXPORTED, target("tenant", tenant, slug), **about
                )
    return passphrase


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


def _why(error: Refused | psycopg.Error) -> str:
    return said(error) if isinstance(error, psycopg.Error) else str(error)


@contextmanager
def _owner(owner_url: str) -> Iterator[Connection]:
    with closing(psycopg.connect(owner_url, autocommit=True)) as connection:
        yield connection


def _slug(connection: Connection, tenant: UUID) -> str:
    row = connection.execute(
        "select slug, node from onyx.tenant where id = %s and status <> 'provisioning'", [tenant]
    ).fetchone()
    if row is None:
        raise Refused("There is no such organisation.")
    if row[1] != nodes.MAIN:
        raise Refused(f"This organisation lies on the node {row[1]!r}; save it there with the database's own tools.")
    slug: str = row[0]
    return slug


def _done(connection: Connection, tenant: UUID) -> set[UUID]:
    rows = connection.execute("select id from onyx.backup where tenant_id = %s and state = 'done'", [tenant])
    return {row[0] for row in rows}
