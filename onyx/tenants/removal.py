"""The steward deletes an organisation: keys, directory, schema and role, files, Redis; then it signs what was done.

Every step may be taken again, and each takes from what is left only; killed anywhere and run once more, the rest is
done. Nothing half-deleted can be used: the tenant has been closed since its deletion was asked for, its state lets
nobody in, and its row goes last, with the certificate, in one transaction.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any
from uuid import UUID

import psycopg
import redis
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable
from psycopg.types.json import Json

from onyx.audit.actions import Action
from onyx.audit.record import record_as_owner, target
from onyx.core.actor import Actor, Request
from onyx.core.ids import uuid7
from onyx.edge.leftovers import forget_tenant
from onyx.edge.store import Store
from onyx.tenancy import nodes
from onyx.tenancy.backup_ledger import lock_of
from onyx.tenancy.context import schema_of
from onyx.tenancy.key_custody import destroy_tenant_keys
from onyx.tenancy.signing import signed_document
from onyx.tenancy.steward import Elsewhere, Refused, progress

from .counting import count_all
from .written import CERTIFICATE, certificate_of

Owner = psycopg.Connection[Any]
TRIES = 6
UNFINISHED = "select id from onyx.deletion where state = 'confirmed' order by confirmed_at"


@dataclass(frozen=True, slots=True)
class Means:
    """What lies outside PostgreSQL: Redis, the queues' Redis, the data folder; and how long the operator's own backups
    of the whole database live.
    """

    store: Store
    queues: redis.Redis
    folder: Path
    physical_backups: timedelta


_means: Means | None = None


def install(means: Means) -> None:
    """Say where Redis and the files are; the steward and the command line do, once."""
    global _means
    _means = means


def _outside() -> Means:
    if _means is None:
        raise Refused("It was not said where Redis and the files are.")
    return _means


@dataclass(frozen=True, slots=True)
class Doomed:
    """The tenant that goes, the deletion that it goes by, the owner's connection to the node on which it lies, and the
    owner's addresses of all others, where a move that was killed may have left a copy.
    """

    deletion: UUID
    id: UUID
    slug: str
    there: Owner
    elsewhere: tuple[str, ...] = field(repr=False)


def delete_tenant(owner_url: str, *, deletion: str, tell: Callable[[str], object] = str) -> dict[str, Any]:
    """Carry out a confirmed deletion, or the rest of it; `tell` hears of each step that is done.

    Raises Refused for one that is not confirmed, Elsewhere while another process is carrying it out.
    """
    _outside()
    with psycopg.connect(owner_url, autocommit=True) as owner:
        if owner.execute("select pg_try_advisory_lock(hashtextextended(%s, 12))", [deletion]).fetchone() != (True,):
            raise Elsewhere("Somebody is carrying it out already.")
        row = owner.execute(
            "select state, id, tenant_id, slug from onyx.deletion where id = %s", [UUID(deletion)]
        ).fetchone()
        if row is None or row[0] not in ("confirmed", "done"):
            raise Refused("This deletion is not confirmed.")
        if row[0] == "confirmed":
            if owner.execute("select pg_try_advisory_lock(%s, %s)", lock_of(row[2])).fetchone() != (True,):
                raise Refused("A backup, a restore or a move of it is under way. It goes on when that is done.")
            node = _node(owner, row[2])  # only now: nobody moves it any more
            elsewhere = tuple(nodes.owner_of(other, owner_url) for other in nodes.names() if other != node)
            with psycopg.connect(nodes.owner_of(node, owner_url), autocommit=True) as there:
                _carry_out(owner, Doomed(row[1], row[2], row[3], there, elsewhere), tell)
    return {"deletion": deletion}


def unfinished(owner_url: str) -> list[UUID]:
    """Deletions that are confirmed and not done."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        return [row[0] for row in owner.execute(UNFINISHED).fetchall()]


def _node(owner: Owner, tenant: UUID) -> str:
    row = owner.execute("select node from onyx.tenant where id = %s", [tenant]).fetchone()
    return str(row[0]) if row else nodes.MAIN


def _carry_out(owner: Owner, doomed: Doomed, tell: Callable[[str], object]) -> None:
    for number, step in enumerate(STEPS):
        progress(number, len(STEPS))
        told = (step.__doc__ or "").partition(".")[0]
        owner.execute("update onyx.deletion set step = %s where id = %s", [told, doomed.deletion])
        step(owner, doomed)
        tell(told)


def _count(owner: Owner, doomed: Doomed) -> None:
    """Counting what there is."""
    row = owner.execute("select counted from onyx.deletion where id = %s", [doomed.deletion]).fetchone()
    if row is not None and row[0] is None:
        counted = Json({**count_all(doomed.there, doomed.id), "backups": _backups(owner, doomed)})
        owner.execute("update onyx.deletion set counted = %s where id = %s", [counted, doomed.deletion])


def _backups(owner: Owner, doomed: Doomed) -> int:
    row = owner.execute("select count(*) from onyx.backup where tenant_id = %s", [doomed.id]).fetchone()
    return int(row[0]) if row else 0


def _destroy_keys(owner: Owner, doomed: Doomed) -> None:
    """Destroying its keys: what they sealed can never be read again, in backups neither."""
    with owner.transaction():
        destroy_tenant_keys(owner, doomed.id)


def _empty_directory(owner: Owner, doomed: Doomed) -> None:
    """Removing its people from the directory."""
    owner.execute("delete from onyx.directory where tenant_id = %s", [doomed.id])
    owner.execute("delete from onyx.live_session where tenant_id = %s", [doomed.id])


def _drop(owner: Owner, doomed: Doomed) -> None:
    """Dropping schema and role."""
    _drop_on(doomed.there, doomed)
    for address in doomed.elsewhere:
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as other:
            if other.execute("select to_regclass('onyx.deletion')").fetchone() != (None,):  # else it is not in use yet
                _drop_on(other, doomed)


def _drop_on(there: Owner, doomed: Doomed) -> None:
    name = sql.Identifier(schema_of(doomed.id))
    for left in reversed(range(TRIES)):
        try:
            with there.transaction():
                there.execute("set local lock_timeout = '10s'")
                there.execute(sql.SQL("drop schema if exists {} cascade").format(name))
                there.execute(sql.SQL("drop role if exists {}").format(name))
                if there.execute("select 1 from onyx.deletion where id = %s", [doomed.deletion]).fetchone() is None:
                    there.execute("delete from onyx.tenant where id = %s", [doomed.id])  # a node of its own has a copy
            return
        except (DeadlockDetected, LockNotAvailable):  # what was under way when it closed, half a minute at most
            if not left:
                raise
            sleep(1)


def _remove_files(owner: Owner, doomed: Doomed) -> None:
    """Removing its files, backups and archived logs."""
    base = _outside().folder
    kinds = ("archives", "backups", "files")
    for folder in (*(base / kind / doomed.id.hex for kind in kinds), base / "files" / str(doomed.id)):
        if folder.exists():
            shutil.rmtree(folder)
    owner.execute("delete from onyx.backup where tenant_id = %s", [doomed.id])
    exported = "update onyx.parcel set state = 'gone' where tenant_id = %s returning id"
    for (id,) in owner.execute(exported, [doomed.id]).fetchall():  # these open without the keys that are gone
        (base / "parcels" / f"{id.hex}.onyx").unlink(missing_ok=True)


def _forget(owner: Owner, doomed: Doomed) -> None:
    """Removing what Redis holds."""
    forget_tenant(_outside().store, _outside().queues, doomed.id)


def _certify(owner: Owner, doomed: Doomed) -> None:
    """Signing the certificate."""
    with owner.transaction():
        destroy_tenant_keys(owner, doomed.id)  # one that somebody made who was let in before it closed
        owner.execute("delete from onyx.tenant where id = %s and status = 'deleting'", [doomed.id])
        owner.execute(
            "update onyx.deletion set state = 'done', step = null, finished_at = clock_timestamp() where id = %s",
            [doomed.deletion],
        )
        content = certificate_of(owner, doomed.deletion, _outside().physical_backups)
        made = Json(signed_document(CERTIFICATE, content, owner))
        owner.execute("update onyx.deletion set certificate = %s where id = %s", [made, doomed.deletion])
        _record(owner, doomed)


def _record(owner: Owner, doomed: Doomed) -> None:
    platform = owner.execute("select onyx.platform_id()").fetchone()
    assert platform is not None
    steward = Actor(
        platform[0], "platform", "", None, "", "steward", kind="steward",
        request=Request(uuid7().hex, "STEWARD", "delete_tenant"),
    )  # fmt: skip
    what = target("tenant", doomed.id, doomed.slug)
    record_as_owner(owner, platform[0], steward, Action.TENANT_DELETED, what, deletion=str(doomed.deletion))


STEPS: tuple[Callable[[Owner, Doomed], None], ...] = (
    _count, _destroy_keys, _empty_directory, _drop, _remove_files, _forget, _certify,
)  # fmt: skip
