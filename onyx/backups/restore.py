"""Bringing an archive back: in place, beside the original, or on another installation.

Everything happens in one transaction of the owner: the new schema is built, filled and verified where nobody sees it,
while people work on in the old one; the commit is the moment at which they change places. Whatever is interrupted
before it has not happened, and there is nothing to clean up (docs/decisions/0008).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.errors import CheckViolation, DeadlockDetected, LockNotAvailable, UniqueViolation

from onyx.audit.actions import Action
from onyx.audit.record import record_as_owner, target
from onyx.core.actor import Actor
from onyx.core.errors import Invalid
from onyx.core.ids import uuid7
from onyx.tenancy import erasure, nodes
from onyx.tenancy.backup_ledger import lock_of
from onyx.tenancy.context import schema_of
from onyx.tenancy.migrate import migrations_wait
from onyx.tenancy.slugs import checked_slug
from onyx.tenancy.steward import Refused, done_with

from . import load, sealed, settling
from .dump import Step, Tell, nothing
from .frames import Damaged, Keys, Reader
from .keyring import keys_for, made_here
from .tables import Connection, tables

REASON = "tenant_restored"
_PATIENCE = ("2s", "5s", "10s", "20s")


@dataclass(frozen=True, slots=True)
class Aim:
    """Where an archive goes: a tenant that is there already is replaced, another one is made; `own`: it is of here."""

    tenant: UUID
    slug: str
    in_place: bool
    own: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """An archive's file and, for an export, its passphrase."""

    path: Path
    passphrase: str | None = field(default=None, repr=False)


def restore(
    owner_url: str, source: Source, actor: Actor, slug: str | None = None, tell: Tell = nothing, step: Step = nothing
) -> dict[str, Any]:
    """Restore an archive: beside as `slug`, else where it came from. Returns what was made, for aftermath.tell().

    Raises Refused for what cannot be restored here and why; nothing has changed then.
    """
    with _opened(owner_url, source) as (connection, reader, keys, file):
        aim = _aim(connection, reader.header, slug)
        with held(connection, aim.tenant), _as_refusal():
            if aim.in_place and _aim(connection, reader.header, slug) != aim:  # it may have gone or moved meanwhile
                raise Refused("The organisation has changed meanwhile. Look at it again.")
            with connection.transaction():
                loaded = _build(connection, aim, reader, keys, file, tell, step)
                notice = _settle(connection, aim, loaded, actor, step)
                went = _told(aim, loaded)
                done_with(connection, went)
                step("ready to commit")
            step("committed")
    return {**went, "notice": str(notice)}


def _told(aim: Aim, loaded: load.Loaded) -> dict[str, Any]:
    left = sum(len(found) for found in loaded.left_out.values())
    return {
        "tenant_id": str(aim.tenant), "slug": aim.slug, "in_place": aim.in_place, "rows": loaded.rows,
        "left_out": left, "checkpoint": loaded.manifest["checkpoint"],
    }  # fmt: skip


def drill(owner_url: str, source: Source, tell: Tell = nothing, step: Step = nothing) -> dict[str, Any]:
    """Restore an archive where nobody sees it, verify it, and let it go again. Raises Refused."""
    with _opened(owner_url, source) as (connection, reader, keys, file), _as_refusal():
        aim = Aim(uuid7(), "drill", False)
        with connection.transaction(force_rollback=True):
            loaded = _build(connection, aim, reader, keys, file, tell, step)
    return {"rows": loaded.rows, "tables": len(loaded.manifest["tables"]), "checkpoint": loaded.manifest["checkpoint"]}


def needs_passphrase(path: Path) -> bool:
    """Whether a file is an export, as far as it says itself; what is wrong with it is told when it is restored."""
    try:
        with open(path, "rb") as file:
            return "transfer" in Reader(file).header
    except (OSError, Damaged):
        return False


@contextmanager
def held(connection: Connection, tenant: UUID) -> Iterator[None]:
    """One backup or restore of a tenant at a time. Raises Refused."""
    numbers = lock_of(tenant)
    taken = connection.execute("select pg_try_advisory_lock(%s, %s)", numbers).fetchone()
    if taken != (True,):
        raise Refused("A backup or a restore of this organisation is under way. Wait until it is done.")
    try:
        yield
    finally:
        if not connection.closed and not connection.broken:
            connection.execute("select pg_advisory_unlock(%s, %s)", numbers)


@contextmanager
def _opened(owner_url: str, source: Source) -> Iterator[tuple[Connection, Reader, Keys, Any]]:
    with (
        _as_refusal(),
        open(source.path, "rb") as file,
        closing(psycopg.connect(owner_url, autocommit=True)) as connection,
        closing(psycopg.connect(owner_url, autocommit=True)) as beside,
    ):
        reader = Reader(file)
        keys = keys_for(reader.header, beside, source.passphrase)
        load.fits(reader.header)
        with migrations_wait(connection):
            yield connection, reader, keys, file


@contextmanager
def _as_refusal() -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise Refused(str(error)) from None
    except Invalid as error:
        raise Refused(" ".join((error.fields or {}).values()) or error.message) from None
    except FileNotFoundError:
        raise Refused("There is no such file.") from None
    except OSError as error:
        raise Refused(f"The archive cannot be read: {error.strerror}.") from error
    except UniqueViolation as error:
        if error.diag.constraint_name != "tenant_slug_unique":
            raise  # a defect, not something that whoever restores could mend
        raise Refused("There is an organisation with this short name already.") from None
    except CheckViolation as error:
        raise Refused(f"The archive does not fit the rules of {error.diag.table_name}.") from None


def _aim(connection: Connection, header: dict[str, Any], slug: str | None) -> Aim:
    origin = UUID(header["tenant"]["id"])
    there = connection.execute("select slug, node, status from onyx.tenant where id = %s", [origin]).fetchone()
    wanted, own = slug or header["tenant"]["slug"], made_here(header, connection)
    taken = connection.execute("select id from onyx.tenant where slug = %s", [wanted]).fetchone()
    if slug is None and there is not None:
        if there[0] == "platform":
            raise Refused("The platform itself is not restored in place: it holds who may do so. Use --as.")
        if there[2] == "deleting":
            raise Refused("This organisation is being deleted: nothing of it comes back.")
        if there[1] != nodes.MAIN:
            raise Refused(f"This organisation lies on the node {there[1]!r}: restore it beside itself with --as.")
        if not own:
            raise Refused("Another installation made this archive: it replaces nobody here. Use --as.")
        return Aim(origin, there[0], True)
    if taken is not None:
        raise Refused(f"There is an organisation {wanted!r} already. Choose another short name.")
    checked_slug(wanted)  # an export's own, too: whoever made it may have called it what they liked
    return Aim(uuid7() if there is not None or slug else origin, wanted, False, own)


def _build(
    connection: Connection, aim: Aim, reader: Reader, keys: Keys, file: Any, tell: Tell, step: Step
) -> load.Loaded:
    """The schema as it was, verified, then brought to this version."""
    if aim.in_place:
        connection.execute(
            sql.SQL("alter schema {} rename to {}").format(
                sql.Identifier(schema_of(aim.tenant)), sql.Identifier(_replaced(aim.tenant))
            )
        )
    load.build(connection, aim.tenant, reader.header["versions"], has_role=aim.in_place)
    step("schema built")
    loaded = load.fill(connection, aim.tenant, file, reader, keys, tell, step)
    load.verify(connection, aim.tenant, loaded, lambda _done, _total: tell(1, 1))  # that it goes on
    step("verified")
    load.forward(connection, aim.tenant, reader.header["versions"])
    step("migrated")
    return loaded


def _settle(connection: Connection, aim: Aim, loaded: load.Loaded, actor: Actor, step: Step) -> UUID:
    """What was saved becomes what is: nobody signed in, nothing sent twice, in the directory, in both trails.

    Returns the id of the notice that tells everybody.
    """
    if aim.in_place:
        _take_the_place(connection, aim.tenant)
        step("old schema dropped")
    else:
        settling.enrol(connection, aim.tenant, aim.slug, loaded.header["tenant"])
        sealed.give_keys(connection, aim.tenant, loaded, aim.own)
    sealed.move(connection, aim.tenant, loaded)
    settling.quiet(connection, aim.tenant, REASON, programs=not aim.in_place)
    load.triggers_on(connection, aim.tenant)
    erasure.replay(connection, aim.tenant, loaded.origin if aim.own and aim.tenant != loaded.origin else None)
    settling.directory(connection, aim.tenant)
    load.ledger(connection, aim.tenant)
    notice = settling.tell(connection, aim.tenant, REASON)
    what = {"archive": loaded.header["archive"], "saved_at": loaded.header["created_at"], "in_place": aim.in_place}
    for place in (actor.tenant_id, aim.tenant):
        record_as_owner(
            connection, place, actor, Action.TENANT_RESTORED, target("tenant", aim.tenant, aim.slug), **what
        )
    return notice


def _take_the_place(connection: Connection, tenant: UUID) -> None:
    """Wait for whoever is writing in the old schema, keep what must not come back, and let it go."""
    old = _replaced(tenant)
    for patience in _PATIENCE:
        try:
            with connection.transaction():
                connection.execute(f"set local lock_timeout = '{patience}'".encode())
                held_tables = sql.SQL(", ").join(sql.Identifier(old, one.name) for one in tables(connection, old))
                connection.execute(sql.SQL("lock table {} in access exclusive mode").format(held_tables))
                settling.keep_ended(connection, old, schema_of(tenant))
                connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(old)))
            return
        except (LockNotAvailable, DeadlockDetected):
            continue
    raise Refused("The organisation is too busy to be replaced. Suspend it, then restore again.")


def _replaced(tenant: UUID) -> str:
    """What the old schema is called until the commit; nobody else ever sees this name."""
    return f"replaced_{tenant.hex}"
