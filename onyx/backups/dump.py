"""Writing an archive of one tenant: one snapshot, every table as a stream, consistent while people work on."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

from onyx.audit import merkle
from onyx.core.clock import now, rfc3339
from onyx.tenancy import signing
from onyx.tenancy.context import schema_of
from onyx.tenancy.nodes import MAIN

from . import sides
from .frames import Keys, Output, Writer
from .segments import Segment, Total, read
from .sides import Sides
from .tables import PINNED, Connection, Table, tables, versions

Tell = Callable[[int, int], None]
Step = Callable[[str], None]
KIND = "onyx.backup-manifest/1"
_SUMMARIES = 500


def nothing(*_said: object) -> None:
    """For whoever does not want to hear how far it is."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What is to be written: which archive, its keys, what its header says beside; `secrets` reads what is sealed for
    this installation, for an archive that goes to another one.
    """

    id: UUID
    keys: Keys
    more: dict[str, Any]
    secrets: Callable[[Sides, UUID], Any] | None = None


def dump(
    owner_url: str, tenant: UUID, file: Output, archive: Archive, tell: Tell = nothing, step: Step = nothing,
    node: str = MAIN,
) -> dict[str, Any]:  # fmt: skip
    """Write the archive of a tenant on `node` and return its manifest; `tell(done, total)` counts bytes, roughly.

    One snapshot of its rows; what the control plane knows is read just after it. Raises LookupError for an unknown
    tenant, OSError when the file cannot take it, psycopg.Error, Refused for a node that this process does not know.
    """
    with sides.opened(owner_url, node) as both:
        home, schema = both.home, schema_of(tenant)
        if home.execute("select to_regnamespace(%s)", [schema]).fetchone() == (None,):
            raise LookupError("there is no such organisation")
        held = sql.SQL(", ").join(sql.Identifier(schema, table.name) for table in tables(home, schema))
        with home.transaction():
            home.execute("set transaction isolation level repeatable read, read only")
            # The locks come before the snapshot: what a migration changes, it changes before or after.
            home.execute(sql.SQL("lock table {} in access share mode").format(held))
            home.execute(PINNED.encode())
            step("snapshot taken")
            return _dump(both, tenant, file, archive, tell, step)


def _dump(both: Sides, tenant: UUID, file: Output, archive: Archive, tell: Tell, step: Step) -> dict[str, Any]:
    main, home = both
    place, settings = _tenant(main, tenant)
    header = {
        "archive": str(archive.id), "tenant": place, "created_at": rfc3339(now()),
        "public_key": signer(main), "versions": versions(home, tenant), **archive.more,
    }  # fmt: skip
    schema, writer = schema_of(tenant), Writer(file, header, archive.keys)
    parts = {"A": _part(writer, "A", {"settings": settings})}
    made = _tables(home, schema, tables(home, schema), writer, tell, step)
    if archive.secrets:
        parts["X"] = _part(writer, "X", archive.secrets(both, tenant))
    size, root = trail(home, schema, tenant)
    manifest = {**header, "parts": parts, "tables": made, "checkpoint": {"size": size, "root": root.hex()}}
    told = signing.signed_document(KIND, manifest, main)
    writer.add("E", json.dumps(told).encode(), last=True)
    step("last frame written")
    return manifest


def _part(writer: Writer, kind: str, content: Any) -> str:
    """A frame beside the tables; returns its SHA-256 for the manifest, which is signed."""
    plain = json.dumps(content).encode()
    writer.add(kind, plain)
    return hashlib.sha256(plain).hexdigest()


def signer(connection: Connection) -> str:
    """The public key that vouches for this installation now, in hex."""
    return signing.public_keys(connection)[-1].public.value.hex()


def trail(connection: Connection, schema: str, tenant: UUID) -> tuple[int, bytes]:
    """Size and Merkle root of a tenant's trail, in the order in which it came about; memory does not grow with it."""
    columns = sql.SQL(", ").join(map(sql.Identifier, merkle.COLUMNS))
    statement = sql.SQL(
        "select row_to_json(e)::text from (select {} from {}.audit_event order by tx, event_id) as e"
    ).format(columns, sql.Identifier(schema))
    with connection.cursor(name="trail") as cursor:
        cursor.itersize = 1000
        cursor.execute(statement)
        return merkle.root(merkle.event_leaf(tenant, row[0]) for row in cursor)


def _tenant(main: Connection, tenant: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """What everybody may read of it, and its settings, which are sealed."""
    row = main.execute("select slug, name, settings from onyx.tenant where id = %s", [tenant]).fetchone()
    if row is None:
        raise LookupError("there is no such organisation")
    return {"id": str(tenant), "slug": row[0], "name": row[1]}, row[2]


def _tables(
    connection: Connection, schema: str, found: list[Table], writer: Writer, tell: Tell, step: Step
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    whole, before = sum(table.size for table in found), 0
    for table in found:
        about = {"name": table.name, "columns": table.columns, "owner": table.owner, "months": table.months}
        writer.add("T", json.dumps(about).encode())
        counted = _write(connection, schema, table, writer, _within(tell, before, table.size, whole))
        made[table.name] = {"rows": counted.rows, "sha256": counted.digest}
        before += table.size
        tell(before, whole)
        step(f"table {table.name} written")
    return made


def _within(tell: Tell, before: int, size: int, whole: int) -> Callable[[int], None]:
    """Counts what one table sends as a part of the whole."""
    sent = 0

    def count(more: int) -> None:
        nonlocal sent
        sent = min(sent + more, size)
        tell(before + sent, whole)

    return count


def _write(connection: Connection, schema: str, table: Table, writer: Writer, count: Callable[[int], None]) -> Total:
    """One table's rows, and a summary of its segments, which stays readable when a person is erased.

    Rows of somebody who is being erased at this moment are left out.
    """
    counted, waiting, going = Total(), list[Segment](), set[UUID]()

    def send(plain: bytes, owner: UUID) -> None:
        if not writer.add("D", plain, owner):
            going.add(owner)
        count(len(plain))

    def settle() -> None:
        lines = [[str(one.owner), one.rows, one.sha256.hex()] for one in waiting]
        writer.add("S", json.dumps(lines).encode())
        waiting.clear()

    for segment in read(connection, schema, table, send):
        if segment.owner not in going:
            counted.add(segment)
            waiting.append(segment)
        if len(waiting) >= _SUMMARIES:
            settle()
    if waiting:
        settle()
    return counted
