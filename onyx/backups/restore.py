"""Bringing an archive back: in place, beside the original, or on another installation.

Everything happens in one transaction of the owner, where the rows are: the new schema is built, filled and verified
where nobody sees it, while people work on in the old one; the commit is the moment at which they change places. Whatever
is interrupted before it has not happened, and there is nothing to clean up (docs/decisions/0008). For an organisation on
another machine the control plane's part is a second transaction, a moment later (halfway.py).
"""

from collections.abc import Callable, Iterator
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
from onyx.tenancy.steward import Refused, done_with

from . import halfway, load, sealed, settling, sides
from .aim import Aim, aim_of
from .dump import Step, Tell, nothing
from .frames import Damaged, Keys, Reader
from .halfway import REASON as REASON
from .keyring import keys_for
from .sides import Sides
from .tables import Connection, tables

_PATIENCE = ("2s", "5s", "10s", "20s")


@dataclass(frozen=True, slots=True)
class Source:
    """An archive's file and, for an export, its passphrase."""

    path: Path
    passphrase: str | None = field(default=None, repr=False)


def restore(
    owner_url: str, source: Source, actor: Actor, slug: str | None = None, tell: Tell = nothing, step: Step = nothing,
    node: str | None = None, along: Callable[[Connection], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """Restore an archive: beside as `slug`, else where it came from. Returns what was made, for aftermath.tell().

    In place it goes to the node on which the tenant lies, beside to `node`, else to the original's. What `along` writes
    on `main` commits with it. Raises Refused for what cannot be restored here and why; nothing has changed then.
    """
    halfway.mend(owner_url)
    with _opened(owner_url, source) as (main, reader, keys, file):
        aim = aim_of(main, reader.header, slug, node)
        with held(main, aim.tenant), sides.opened(owner_url, aim.node, main) as both:
            if aim.in_place and aim_of(main, reader.header, slug, node) != aim:  # it may have gone or moved meanwhile
                raise Refused("The organisation has changed meanwhile. Look at it again.")
            what = {"archive": reader.header["archive"], "saved_at": reader.header["created_at"]}
            with halfway.told(owner_url, both, aim, actor, what) as run, both.transaction(step):
                loaded = _build(both.home, aim, reader, keys, file, tell, step)
                notice = _settle(both, aim, loaded, actor, step)
                went = _told(aim, loaded)
                halfway.pass_over(both, aim, run)
                along(main)
                done_with(main, went)
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
    """Restore an archive where nobody sees it, on the node where its tenant lies, verify it, and let it go again.

    Raises Refused.
    """
    with _opened(owner_url, source) as (main, reader, keys, file):
        node = sides.node_of(main, UUID(reader.header["tenant"]["id"]))
        aim = Aim(uuid7(), "drill", False, node=node)
        with sides.opened(owner_url, node, main) as both, both.home.transaction(force_rollback=True):
            loaded = _build(both.home, aim, reader, keys, file, tell, step)
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


def _build(home: Connection, aim: Aim, reader: Reader, keys: Keys, file: Any, tell: Tell, step: Step) -> load.Loaded:
    """The schema as it was, verified, then brought to this version."""
    if aim.in_place:
        home.execute(
            sql.SQL("alter schema {} rename to {}").format(
                sql.Identifier(schema_of(aim.tenant)), sql.Identifier(_replaced(aim.tenant))
            )
        )
    load.build(home, aim.tenant, reader.header["versions"], has_role=aim.in_place)
    step("schema built")
    loaded = load.fill(home, aim.tenant, file, reader, keys, tell, step)
    load.verify(home, aim.tenant, loaded, lambda _done, _total: tell(1, 1))  # that it goes on
    step("verified")
    load.forward(home, aim.tenant, reader.header["versions"])
    step("migrated")
    return loaded


def _settle(both: Sides, aim: Aim, loaded: load.Loaded, actor: Actor, step: Step) -> UUID:
    """What was saved becomes what is: nobody signed in, nothing sent twice, in the directory, in both trails.

    Returns the id of the notice that tells everybody.
    """
    main, home = both
    alive: list[UUID] = []
    if aim.in_place:
        alive = _take_the_place(both, aim.tenant)
        step("old schema dropped")
    else:
        settling.enrol(main, aim, loaded)
        sealed.give_keys(main, aim.tenant, loaded, aim.own)
    if both.apart:
        nodes.introduce(main, home, [aim.tenant])
        load.ledger(home, aim.tenant)
    sealed.move(home, aim.tenant, loaded)
    settling.quiet(home, aim.tenant, REASON, programs=not aim.in_place)
    load.triggers_on(home, aim.tenant)
    source = loaded.origin if aim.own and aim.tenant != loaded.origin else None
    erasure.replay(main, aim.tenant, source, home=home, alive=alive)
    what = {"archive": loaded.header["archive"], "saved_at": loaded.header["created_at"]}
    where = target("tenant", aim.tenant, aim.slug)
    record_as_owner(home, aim.tenant, actor, Action.TENANT_RESTORED, where, **what, in_place=aim.in_place)
    return halfway.followed(both, aim, actor, what)


def _take_the_place(both: Sides, tenant: UUID) -> list[UUID]:
    """Wait for whoever is writing in the old schema, keep what must not come back, and let it go.

    Returns who is there of those whose erasure has begun: it has not come to pass, and now it cannot any more.
    """
    old, home = _replaced(tenant), both.home
    for patience in _PATIENCE:
        try:
            with home.transaction():
                home.execute(f"set local lock_timeout = '{patience}'".encode())
                held_tables = sql.SQL(", ").join(sql.Identifier(old, one.name) for one in tables(home, old))
                home.execute(sql.SQL("lock table {} in access exclusive mode").format(held_tables))
                alive = _there(home, old, erasure.begun(both.main, tenant))
                settling.keep_ended(home, old, schema_of(tenant))
                home.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(old)))
            return alive
        except (LockNotAvailable, DeadlockDetected):
            continue
    raise Refused("The organisation is too busy to be replaced. Suspend it, then restore again.")


def _there(home: Connection, schema: str, people: list[UUID]) -> list[UUID]:
    asked = sql.SQL("select id from {} where id = any(%s)").format(sql.Identifier(schema, "app_user"))
    return [row[0] for row in home.execute(asked, [people])]


def _replaced(tenant: UUID) -> str:
    """What the old schema is called until the commit; nobody else ever sees this name."""
    return f"replaced_{tenant.hex}"
