"""What the steward does for a page's exports and imports; the passphrase reaches it sealed, and goes when it is done."""

from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg

from config.settings import Settings
from onyx.core.actor import Actor
from onyx.core.db import said
from onyx.tenancy import sealed
from onyx.tenancy.steward import Refused, progress, request_under_way
from onyx.tenancy.whole_files import remove

from . import aftermath, making, parcels
from .restore import Source, restore
from .tables import Connection

USE = "parcel"


def hidden(platform: UUID, parcel: UUID, passphrase: str) -> str:
    """A passphrase on its way to the steward; what it stands in may be read by platform admins and by backups."""
    return sealed.seal(USE, passphrase.encode(), parcel.bytes, tenant=platform).hex()


def send(
    owner_url: str, settings: Settings, tenant: UUID, parcel: UUID, passphrase: str, actor: Actor
) -> dict[str, Any]:  # fmt: skip
    """Write an export that a page can hand out for some hours. Raises Refused."""
    with closing(psycopg.connect(owner_url, autocommit=True)) as owner:
        parcels.begin(owner, parcel, tenant, actor.email, settings.parcel_hours, request_under_way())
        path = parcels.path_of(settings.onyx_var, parcel)
        try:
            opened = _opened(owner, actor, parcel, passphrase)
            file = making.write_export(owner_url, path, tenant, actor, opened, parcel, progress)
        except (Refused, psycopg.Error) as error:
            parcels.ended(owner, parcel, "failed", said(error) if isinstance(error, psycopg.Error) else str(error))
            _forget_passphrase(owner)
            raise
        parcels.ready(owner, parcel, file)
        _forget_passphrase(owner)
    return {"parcel_id": str(parcel), "size": file.size}


def take_in(
    owner_url: str, settings: Settings, parcel: UUID, slug: str, passphrase: str, node: str | None, actor: Actor
) -> dict[str, Any]:
    """Restore what was received as a new organisation. Raises Refused; the file may then be tried again."""
    with closing(psycopg.connect(owner_url, autocommit=True)) as owner:
        row = owner.execute("select state from onyx.parcel where id = %s and direction = 'import'", [parcel]).fetchone()
        if row != ("ready",):
            raise Refused(parcels.GONE)
        path = parcels.path_of(settings.onyx_var, parcel)
        try:
            source = Source(path, _opened(owner, actor, parcel, passphrase))
            went = restore(
                owner_url, source, actor, slug, progress, node=node, along=lambda main: parcels.used(main, parcel)
            )
            remove(path)  # killed before it: the sweep does it
        finally:
            _forget_passphrase(owner)
    return aftermath.tell(aftermath.store(settings), went)


def _opened(owner: Connection, actor: Actor, parcel: UUID, passphrase: str) -> str:
    try:
        return sealed.unseal(USE, bytes.fromhex(passphrase), parcel.bytes, tenant=actor.tenant_id, owner=owner).decode()
    except ValueError:
        raise Refused("The passphrase that came with this request cannot be read. Ask for it anew.") from None


def _forget_passphrase(owner: Connection) -> None:
    """A request that a killed steward leaves still has it, since the next one needs it."""
    owner.execute(
        "update onyx.steward_request set arguments = arguments - 'sealed' where id = %s", [request_under_way()]
    )
