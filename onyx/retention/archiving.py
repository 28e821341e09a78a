"""The steward archives months of an access log and drops them; killed anywhere and run again, it finishes (J2, J4).

For each month: a sealed file, its line in onyx.log_archive with the signed manifest, then, in one transaction, the lock,
the proof that the file holds every line, the drop and the event. Until that has committed the month is where it was.
The audit trail's own months are never touched.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable
from psycopg.types.json import Jsonb

from onyx.audit.actions import Action
from onyx.audit.record import record_as_owner, target
from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.ids import uuid7
from onyx.tenancy import nodes, settings
from onyx.tenancy.backup_ledger import lock_of
from onyx.tenancy.context import schema_of
from onyx.tenancy.inside import relations
from onyx.tenancy.signing import signed_document
from onyx.tenancy.steward import Refused
from onyx.tenancy.whole_files import placed

from . import months, shelf
from .log_file import Archive, Owner, lines_of, write

KIND = "onyx-access-log-archive/1"
Tell = Callable[[int, int], None]
Step = Callable[[str], None]


def nothing(*_: object) -> None:
    """Whoever does not want to hear how far it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant whose log is archived: the owner's connections to the control plane and to the tenant's node."""

    main: Owner
    there: Owner
    tenant: UUID
    slug: str
    folder: Path
    actor: Actor
    step: Step


def archive(
    owner_url: str, folder: Path, tenant: UUID, actor: Actor, tell: Tell = nothing, step: Step = nothing
) -> dict[str, Any]:
    """Archive every month beyond a tenant's retention; returns the names of the months that went, and how many lines.

    Raises Refused for a tenant that is not open, or while a backup, a restore or a move of it is under way.
    """
    with ExitStack() as stack:
        main = stack.enter_context(closing(psycopg.connect(owner_url, autocommit=True)))
        stack.enter_context(_alone(main, tenant))
        slug, node = _known(main, tenant)
        there = stack.enter_context(closing(psycopg.connect(nodes.owner_of(node, owner_url), autocommit=True)))
        place = Place(main, there, tenant, slug, folder, actor, step)
        _settle(place)
        wanted = beyond(place.there, tenant, _days(main, tenant))
        gone: list[str] = []
        entries = 0
        for number, partition in enumerate(wanted):
            tell(number, len(wanted))
            went = _one(place, partition)
            if went is None:
                break
            gone, entries = [*gone, partition], entries + went
    return {"tenant": slug, "months": gone, "entries": entries}


def beyond(there: Owner, tenant: UUID, days: int | None) -> list[str]:
    """The partitions of a tenant's access log that lie beyond so many days, the oldest first."""
    if days is None:
        return []
    found = there.execute(_PARTITIONS, [schema_of(tenant), f"{months.LOG}_{months.edge(days):%Y%m}"]).fetchall()
    return [row[0] for row in found]


_PARTITIONS = f"""
select relname::text from {relations()} c where relkind = 'r' and relispartition
   and relname ~ '^access_entry_[0-9]{{6}}$' and relname::text < %s order by relname
"""


def _one(place: Place, partition: str) -> int | None:
    """Archive and drop one month; how many lines it had, None when it has to stay after all."""
    id = uuid7()
    path = shelf.folder_of(place.folder, place.tenant) / shelf.name_of(partition, id)
    entries = 0
    table = sql.Identifier(schema_of(place.tenant), partition)
    if place.there.execute(sql.SQL("select 1 from {} limit 1").format(table)).fetchone():
        with placed(path) as file, place.there.transaction():
            entries = write(file, Archive(id, place.tenant), lines_of(place.there, table), place.main)
        place.step("export written")
        manifest = _manifest(place, id, partition, entries, path.name, file.size, file.sha256)
        shelf.put_manifest(path, manifest)
        place.main.execute(
            _WRITTEN,
            [id, place.tenant, partition, months.month_of(partition), entries, file.size, file.sha256, path.name,
             Jsonb(manifest)],
        )  # fmt: skip
        place.step("recorded")
    if not _dropped(place, partition, id, entries):
        _forget(place, id, path)
        return None
    place.step("dropped")
    place.main.execute(_GONE, [id])
    place.step("settled")
    return entries


_WRITTEN = """
insert into onyx.log_archive (id, tenant_id, log_partition, month, entries, size, sha256, name, manifest)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_GONE = "update onyx.log_archive set state = 'dropped', dropped_at = clock_timestamp() where id = %s"


def _manifest(
    place: Place, id: UUID, partition: str, entries: int, name: str, size: int, sha256: bytes
) -> dict[str, Any]:  # fmt: skip
    month = months.month_of(partition)
    content = {
        "id": str(id),
        "tenant": {"id": str(place.tenant), "slug": place.slug},
        "log": months.LOG,
        "partition": partition,
        "from": rfc3339(datetime.combine(month, time(), UTC)),
        "to": rfc3339(datetime.combine(months.after(month), time(), UTC)),
        "entries": entries,
        "file": {"name": name, "size": size, "sha256": sha256.hex()},
        "retention_access_days": _days(place.main, place.tenant),
        "archived_at": rfc3339(now()),
    }
    return signed_document(KIND, content, place.main)


def _dropped(place: Place, partition: str, id: UUID, entries: int) -> bool:
    """Drop a month and say so in the trail, in one transaction; False when it must stay.

    The tenant's row is held meanwhile, so that a legal hold or another rule comes before or after this, not between.
    """
    table = sql.Identifier(schema_of(place.tenant), partition)
    log = sql.Identifier(schema_of(place.tenant), months.LOG)
    try:
        with place.main.transaction(), place.there.transaction():
            place.main.execute("select 1 from onyx.tenant where id = %s for update", [place.tenant])
            if partition not in beyond(place.there, place.tenant, _days(place.main, place.tenant)):
                return False
            place.there.execute("set local lock_timeout = '10s'; set local statement_timeout = 0")
            place.there.execute(sql.SQL("lock table {} in access exclusive mode").format(log))
            counted: Any = place.there.execute(sql.SQL("select count(*) from {}").format(table)).fetchone()
            if counted[0] != entries:  # a line came that the file does not have; it is archived the next time
                return False
            place.there.execute(sql.SQL("drop table {}").format(table))
            kept = place.main.execute("select name, sha256 from onyx.log_archive where id = %s", [id]).fetchone()
            more = {"file": kept[0], "sha256": bytes(kept[1]).hex()} if kept else {}
            what = target("log_partition", partition, partition)
            record_as_owner(
                place.there, place.tenant, place.actor, Action.ACCESS_LOG_ARCHIVED, what, archive=str(id),
                entries=entries, **more,
            )  # fmt: skip
            place.step("dropping")
    except (DeadlockDetected, LockNotAvailable):  # somebody reads it for long: the next time, then
        return False
    return True


def _settle(place: Place) -> None:
    """What a run that was killed left: what it had dropped is dropped, what it had not is begun anew."""
    left = place.main.execute(
        "select id, log_partition, name from onyx.log_archive where tenant_id = %s and state = 'written'",
        [place.tenant],
    ).fetchall()
    for id, partition, name in left:
        there = place.there.execute("select to_regclass(%s)", [f"{schema_of(place.tenant)}.{partition}"]).fetchone()
        if there == (None,):
            place.main.execute(_GONE, [id])
        else:
            _forget(place, id, shelf.folder_of(place.folder, place.tenant) / name)
    known = place.main.execute("select name from onyx.log_archive where tenant_id = %s", [place.tenant]).fetchall()
    shelf.clear(place.folder, place.tenant, {row[0] for row in known})


def _forget(place: Place, id: UUID, path: Path) -> None:
    place.main.execute("delete from onyx.log_archive where id = %s and state = 'written'", [id])
    shelf.take_away(path)


def _days(main: Owner, tenant: UUID) -> int | None:
    """For how many days the tenant's access log is kept; None for ever, which a legal hold means too."""
    row = main.execute(
        "select t.settings, exists (select from onyx.legal_hold h where h.tenant_id = t.id) from onyx.tenant t"
        " where t.id = %s and t.status = 'active'",
        [tenant],
    ).fetchone()
    return settings.of(row[0]).retention_access_days if row and not row[1] else None


def _known(main: Owner, tenant: UUID) -> tuple[str, str]:
    row = main.execute("select slug, node from onyx.tenant where id = %s and status = 'active'", [tenant]).fetchone()
    if row is None:
        raise Refused("There is no such organisation, or it is closed.")
    return str(row[0]), str(row[1])


@contextmanager
def _alone(main: Owner, tenant: UUID) -> Iterator[None]:
    """The tenant's lock of backups, restores and moves, which its connection holds."""
    if main.execute("select pg_try_advisory_lock(%s, %s)", lock_of(tenant)).fetchone() != (True,):
        raise Refused("A backup, a restore or a move of it is under way. It is tried again within an hour.")
    yield
