"""Do this code and this database fit? Asked before anybody is served, and before anything is migrated (U4).

Migrations add, as a rule, so that the code of before goes on working while they run and can be started again after
them. One that does not says so in its head: `-- needs newer code: why`. See docs/operations/upgrade.md.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
import structlog
from psycopg.errors import UndefinedTable
from sqlalchemy import Connection

from onyx.core.db import db
from onyx.core.scope import Scope

from .context import sign
from .scripts import Script, scripts
from .walls import backend

_log = structlog.get_logger()
_DOCS = "docs/operations/upgrade.md"
_READABLE = """
select coalesce(has_table_privilege(to_regclass('onyx.platform_migration')::oid, 'select'), false)
   and to_regclass('onyx.newer_code_needed') is not null
"""
_LACKING = """
select count(*), coalesce(bool_or(slug = 'platform'), false) from onyx.tenant t
 where status not in ('provisioning', 'deleting') and exists (
    select from unnest(%s::int[]) as w(version) where not exists (
        select from onyx.tenant_migration m where m.tenant_id = t.id and m.version = w.version and m.state = 'applied'))
"""
_NEEDED = "select kind, version, name, why from onyx.newer_code_needed order by kind, version"
_APPLIED = "select version, name from onyx.platform_migration order by version"
_APPLIED_TO_TENANTS = (
    "select distinct version, name from onyx.tenant_migration where state = 'applied' order by version"
)
_NOTE = """
insert into onyx.newer_code_needed (kind, version, name, why) values (%s, %s, %s, %s) on conflict do nothing
"""


class WrongVersion(SystemExit):
    """Onyx must not start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What lies between this code and this database."""

    lacking: list[str] = field(default_factory=list)  # scripts of the control plane that it has not been given
    behind: int = 0  # organisations that lack a script
    platform_behind: bool = False
    too_new: list[str] = field(default_factory=list)  # scripts with which this code cannot work

    @property
    def trouble(self) -> str | None:
        """Why nobody may be served, in a sentence; None when they may."""
        if self.too_new:
            return (
                f"this database was brought to a newer version of Onyx, with which this one cannot work"
                f" ({'; '.join(self.too_new)}). Start that version, or restore the backup from before it ({_DOCS})."
            )
        if self.lacking or self.platform_behind:
            what = f"it lacks {_few(self.lacking)}" if self.lacking else "its platform is behind"
            return f"this database is at an older version of Onyx ({what}). Run `flask migrate` first ({_DOCS})."
        return None


def require_fit() -> None:
    """Raise WrongVersion unless everybody can be served; organisations that stayed behind are told in the log."""
    with db.engine.begin() as connection:
        found = look(connection)
    if found.trouble is not None:
        raise WrongVersion(f"Onyx cannot start: {found.trouble}")
    if found.behind:
        _log.warning("organisations are behind: see /platform/migrations", organisations=found.behind)


def look(connection: Connection) -> Fit:
    """How they fit, as onyx_app sees it."""
    ours = _ours()
    if not connection.exec_driver_sql(_READABLE).scalar_one():
        return Fit(lacking=[_named(script) for script in scripts("platform")[-1:]])
    context = sign(Scope(uuid4(), "job:control"), backend(connection))
    connection.exec_driver_sql("select set_config('onyx.context', %s, true)", (context,))
    applied = {row[0] for row in connection.exec_driver_sql(_APPLIED)}
    if not applied:
        return Fit()  # contexts are not believed here: boot_check says so
    behind, platform = connection.exec_driver_sql(_LACKING, (sorted(ours["tenant"]),)).one()
    needed = connection.exec_driver_sql(_NEEDED).all()
    lacking = [_named(script) for script in scripts("platform") if script.version not in applied]
    return Fit(lacking, behind, platform, _too_new(needed))


def require_ours(owner: psycopg.Connection[Any]) -> None:
    """Raise WrongVersion where this code is too old to migrate or steward this database, which may be empty yet.

    `owner` is in autocommit.
    """
    try:
        found = Fit(too_new=_too_new(owner.execute(_NEEDED).fetchall()))
    except UndefinedTable:
        return
    if found.trouble is not None:
        raise WrongVersion(f"Onyx cannot start: {found.trouble}")


def note(owner: psycopg.Connection[Any], *wanted: Script) -> None:
    """Write down which of these scripts older code cannot work with; before, or together with, applying them."""
    for script in wanted:
        if script.needs_newer_code is not None:
            owner.execute(_NOTE, [script.kind, script.version, script.name, script.needs_newer_code])


def unknown(owner: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """What a newer version has applied that this code does not know, of the control plane and of organisations."""
    found = {}
    for kind, statement in (("platform", _APPLIED), ("tenant", _APPLIED_TO_TENANTS)):
        rows = owner.execute(statement).fetchall()
        found[kind] = [f"{version:04} {name}" for version, name in rows if version not in _ours()[kind]]
    return found


def _too_new(needed: Any) -> list[str]:
    return [f"{version:04} {name}: {why}" for kind, version, name, why in needed if version not in _ours()[kind]]


def _ours() -> dict[str, set[int]]:
    return {kind: {script.version for script in scripts(kind)} for kind in ("platform", "tenant")}


def _named(script: Script) -> str:
    return f"{script.version:04} {script.name}"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
