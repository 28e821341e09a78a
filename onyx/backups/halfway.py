"""Restores onto another machine than `main`, which two transactions make: told before, finished or undone afterwards.

The rows' machine commits first. Whoever dies between the two commits leaves the line that begin() wrote: in place the
rows are the restored ones, so the control plane follows; beside, nobody knows of them, so they go.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import sql
from psycopg.rows import namedtuple_row

from onyx.audit.actions import Action
from onyx.audit.record import record_as_owner, target
from onyx.core.actor import Actor, Request
from onyx.core.ids import uuid7
from onyx.tenancy.backup_ledger import lock_of
from onyx.tenancy.context import schema_of
from onyx.tenancy.steward import Refused, request_under_way

from . import load, settling, sides
from .aim import Aim
from .sides import Sides
from .tables import Connection

_log = structlog.get_logger()
REASON = "tenant_restored"
_BEGIN = """
insert into onyx.restore_run (tenant_id, id, slug, node, in_place, request_id, told)
values (%s, %s, %s, %s, %s, %s, %s::jsonb)
"""
_THERE = "select 1 from onyx.restore_run where tenant_id = %s and id = %s"
_END = "delete from onyx.restore_run where tenant_id = %s"


@contextmanager
def told(owner_url: str, both: Sides, aim: Aim, actor: Actor, what: dict[str, Any]) -> Iterator[UUID | None]:
    """A block that makes something elsewhere: told before it begins; one that fails is mended at once, a killed one by
    the next run. Gives the id for pass_over(), None on `main`, where one transaction holds all.
    """
    if not both.apart:
        yield None
        return
    id = _begin(both, aim, actor, what)
    try:
        yield id
    except Exception:
        _mend_what_failed(owner_url, both.main, aim.tenant)
        raise
    both.home.execute(_END, [aim.tenant])  # it has had its day; one that stays here says nothing without the other


def _begin(both: Sides, aim: Aim, actor: Actor, told: dict[str, Any]) -> UUID:
    """Say what is about to be made elsewhere, in the platform's trail too (decision 0007)."""
    id = uuid7()
    about = {**told, "actor": [str(actor.tenant_id), actor.email, actor.name, actor.kind]}
    with both.main.transaction():
        _write(both.main, id, aim, about)
        record_as_owner(both.main, actor.tenant_id, actor, Action.RESTORE_BEGUN, _what(aim), node=aim.node, **told)
    return id


def pass_over(both: Sides, aim: Aim, run: UUID | None) -> None:
    """In the two transactions: there the line says that the rows are there, here it has had its day."""
    if run is not None:
        both.home.execute(_END, [aim.tenant])
        _write(both.home, run, aim, {})
        both.main.execute(_END, [aim.tenant])


def mend(owner_url: str) -> int:
    """Finish or undo what was cut off between two commits; returns how many. What is under way is left alone."""
    mended = 0
    with closing(psycopg.connect(owner_url, autocommit=True)) as main:
        for run in _runs(main):
            if main.execute("select pg_try_advisory_lock(%s, %s)", lock_of(run.tenant_id)).fetchone() != (True,):
                continue
            try:
                if main.execute(_THERE, [run.tenant_id, run.id]).fetchone():
                    _mend(owner_url, main, run)
                    mended += 1
            except (Refused, psycopg.OperationalError) as error:  # its machine is away: the next run tries again
                _log.warning("interrupted restore not mended", tenant=str(run.tenant_id), error=str(error))
            finally:
                main.execute("select pg_advisory_unlock(%s, %s)", lock_of(run.tenant_id))
    return mended


def _mend_what_failed(owner_url: str, main: Connection, tenant: UUID) -> None:
    """Of the caller's own run, whose tenant it holds; if that cannot be now, the next run does it."""
    try:
        for run in _runs(main):
            if run.tenant_id == tenant:
                _mend(owner_url, main, run)
    except (Refused, psycopg.Error) as error:
        _log.warning("interrupted restore not mended", tenant=str(tenant), error=str(error))


def _runs(main: Connection) -> list[Any]:
    with main.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute("select * from onyx.restore_run order by begun_at").fetchall()


def _mend(owner_url: str, main: Connection, run: Any) -> None:
    aim = Aim(run.tenant_id, run.slug, run.in_place, node=run.node)
    actor = _actor(run.told, main)
    with sides.opened(owner_url, run.node, main) as both:
        came = both.home.execute(_THERE, [run.tenant_id, run.id]).fetchone() is not None
        known = main.execute("select 1 from onyx.tenant where id = %s", [run.tenant_id]).fetchone() is not None
        if came and run.in_place and known:
            with both.transaction():
                followed(both, aim, actor, {name: run.told[name] for name in ("archive", "saved_at")})
                both.main.execute(_END, [aim.tenant])
                both.home.execute(_END, [aim.tenant])
                both.main.execute(
                    "update onyx.steward_request set state = 'done', finished_at = clock_timestamp() where id = %s",
                    [run.request_id],
                )
            _log.info("interrupted restore finished", tenant=str(aim.tenant), node=aim.node)
            return
        if not run.in_place and not known:
            _clear(both.home, aim)
    _not_made(main, run.id, aim, actor)
    _log.info("interrupted restore undone", tenant=str(aim.tenant), node=aim.node)


def followed(both: Sides, aim: Aim, actor: Actor, what: dict[str, Any]) -> UUID:
    """The control plane's part, once the rows are what they are to be: who signs in here, which version, the event,
    and the notice, whose id is returned. May be done twice.
    """
    settling.directory(both, aim.tenant)
    load.ledger(both.main, aim.tenant)
    record_as_owner(
        both.main, actor.tenant_id, actor, Action.TENANT_RESTORED, _what(aim), **what, in_place=aim.in_place
    )
    return settling.tell(both.main, aim.tenant, REASON)


def _clear(home: Connection, aim: Aim) -> None:
    """Rows that nobody knows of: the schema with its role, and the lines that hang on it."""
    name = sql.Identifier(schema_of(aim.tenant))
    with home.transaction():
        home.execute("set local client_min_messages = warning")
        home.execute(sql.SQL("drop schema if exists {} cascade").format(name))
        home.execute(sql.SQL("drop role if exists {}").format(name))
        home.execute("delete from onyx.tenant where id = %s", [aim.tenant])
        home.execute(_END, [aim.tenant])


def _not_made(main: Connection, id: UUID, aim: Aim, actor: Actor) -> None:
    """The line goes, and the trail, which told of it before, tells that it did not come (decision 0007)."""
    with main.transaction():
        if main.execute(f"{_END} and id = %s".encode(), [aim.tenant, id]).rowcount:
            record_as_owner(
                main, actor.tenant_id, actor, Action.RESTORE_BEGUN, _what(aim), outcome="failure", node=aim.node
            )


def _write(side: Connection, id: UUID, aim: Aim, told: dict[str, Any]) -> None:
    side.execute(_BEGIN, [aim.tenant, id, aim.slug, aim.node, aim.in_place, request_under_way(), json.dumps(told)])


def _what(aim: Aim) -> dict[str, str]:
    return target("tenant", aim.tenant, aim.slug)


def _actor(told: dict[str, Any], main: Connection) -> Actor:
    """Whoever had asked for it, as the trail showed them."""
    _, email, name, kind = told["actor"]
    return Actor(*_platform(main), None, email, name, kind=kind, request=_request())


def _platform(main: Connection) -> tuple[UUID, str, str]:
    row = main.execute("select id, slug, name from onyx.tenant where slug = 'platform'").fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def _request() -> Request:
    return Request(uuid7().hex, "STEWARD", "restore_backup")
