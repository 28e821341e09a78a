"""Whether this process has the master keys that its database needs; without them nothing may start (G4)."""

from collections.abc import Iterable
from uuid import uuid4

import psycopg
from sqlalchemy import Connection

from onyx.core import master
from onyx.core.db import db
from onyx.core.scope import Scope

from .context import sign
from .keystore import Owner
from .walls import backend

_NEEDED = "select id, current from onyx.masters_needed()"
_NEEDED_BY_OWNER = """
select id, retired_at is null from onyx.master_key m where retired_at is null
    or exists (select 1 from onyx.tenant_key k where k.master = m.id)
    or exists (select 1 from onyx.signing_key s where s.master = m.id)
"""
_WRONG = (
    "ONYX_MASTER_KEY is not the master key of this database: give the one that it was set up with, or, to replace it,"
    " ONYX_MASTER_KEY_PREVIOUS as well (docs/operations/keys.md)"
)
_LACKING = (
    "ONYX_MASTER_KEY_PREVIOUS: keys are still wrapped under the previous master key; give it again and run"
    " `flask keys rotate-master` to the end (docs/operations/keys.md)"
)


class WrongMasterKey(SystemExit):
    """Onyx must not start; the message names the setting."""


def require_master() -> None:
    """Raise WrongMasterKey unless all is there; needs an app context."""
    with db.engine.begin() as connection:
        _refuse(trouble(connection))


def require_master_of_owner(owner: Owner) -> None:
    """require_master() for the steward and for what prepares the database, which may be empty yet."""
    if owner.execute("select to_regclass('onyx.tenant_key')").fetchone() == (None,):
        return
    _refuse(_judged(owner.execute(_NEEDED_BY_OWNER).fetchall()))


def trouble(connection: Connection) -> str | None:
    """What is wrong, in a sentence that names the setting; None when nothing is."""
    if connection.exec_driver_sql("select to_regprocedure('onyx.masters_needed()')").scalar_one() is None:
        return None  # the database is behind, which others tell
    context = sign(Scope(uuid4(), "job:control"), backend(connection))
    connection.exec_driver_sql("select set_config('onyx.context', %s, true)", (context,))
    return _judged([(row[0], row[1]) for row in connection.exec_driver_sql(_NEEDED)])


def pending(owner: psycopg.Connection) -> bool:
    """Whether the master key is being replaced: a new one is given, or keys still need the previous one."""
    needed = {bytes(row[0]) for row in owner.execute(_NEEDED_BY_OWNER)}
    return needed != {master.installed()[0].id}


def _judged(needed: Iterable[tuple[bytes, bool]]) -> str | None:
    given = {one.id for one in master.installed()}
    for id, current in sorted(needed, key=lambda one: not one[1]):
        if bytes(id) not in given:
            return _WRONG if current else _LACKING
    return None


def _refuse(told: str | None) -> None:
    if told is not None:
        raise WrongMasterKey(f"Onyx cannot start.\n  {told}")
