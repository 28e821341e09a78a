"""Reading an archive into a schema that nobody sees yet: build, fill, verify. The caller's transaction holds it all."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from uuid import UUID

from psycopg import Copy, sql

from onyx.core.clock import now
from onyx.core.signing import PublicKey, check_document
from onyx.tenancy.context import schema_of
from onyx.tenancy.inside import relations
from onyx.tenancy.ledger import all_applied
from onyx.tenancy.nodes import is_citus
from onyx.tenancy.scripts import partitions, scripts

from .dump import KIND, Step, Tell, nothing, trail
from .frames import Damaged, Frame, Keys, Reader
from .segments import Segment, read, total
from .tables import PINNED, Connection, Table, tables, without_row_security

_ROLE = re.compile(r"^create role (tenant_\w+) nologin;\s*grant \1 to onyx_app;", re.M)


@dataclass(slots=True)
class Loaded:
    """What came out of an archive; `left_out` are the segments of erased persons, for each table."""

    header: dict[str, Any]
    manifest: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, list[Segment]] = field(default_factory=dict)
    settings: Any = field(default=None, repr=False)
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> UUID:
        return UUID(self.header["tenant"]["id"])

    @property
    def rows(self) -> int:
        left = sum(one.rows for found in self.left_out.values() for one in found)
        return sum(table["rows"] for table in self.manifest["tables"].values()) - left


def fits(header: dict[str, Any]) -> None:
    """Raise Damaged for an archive from a newer version of Onyx."""
    known = {script.version for script in scripts("tenant")}
    newer = sorted(set(header["versions"]) - known)
    if newer:
        raise Damaged(
            f"This archive was made by a newer version of Onyx (it has seen the migration {newer[-1]:04}). Upgrade first."
        )


def build(connection: Connection, tenant: UUID, wanted: list[int], has_role: bool) -> None:
    """The schema as the archive knew it; its role stays the one that is there, if there is one."""
    citus = is_citus(connection)
    for script in scripts("tenant"):
        if script.version in wanted:
            text = script.render(tenant.hex, citus)
            if has_role and script.version == 1:
                text = _ROLE.sub("", text)
            connection.execute(text.encode())


def forward(connection: Connection, tenant: UUID, seen: list[int]) -> None:
    """Bring the schema to this version, with log partitions for the time to come, and write the ledger anew."""
    connection.execute(sql.SQL("set local search_path = {}, public").format(sql.Identifier(schema_of(tenant))))
    for script in scripts("tenant"):
        if script.version not in seen:
            connection.execute(script.render(tenant.hex, is_citus(connection)).encode())
    connection.execute(partitions(tenant.hex, now().date(), 3).encode())


def ledger(connection: Connection, tenant: UUID) -> None:
    """The tenant stands at this version."""
    connection.execute("delete from onyx.tenant_migration where tenant_id = %s", [tenant])
    connection.execute(all_applied(tenant).encode())


def fill(
    connection: Connection, tenant: UUID, file: BinaryIO, reader: Reader, keys: Keys, tell: Tell = nothing,
    step: Step = nothing,
) -> Loaded:  # fmt: skip
    """All rows of the archive into the schema. Raises Damaged for whatever does not fit."""
    schema, loaded = schema_of(tenant), Loaded(reader.header)
    if reader.header["format"] == 1:
        loaded.settings = read_json(reader.header["tenant"]["settings"])
    connection.execute(PINNED.encode())
    there = {table.name: table for table in tables(connection, schema)}
    _triggers(connection, schema, there.values(), "disable")
    size = os.fstat(file.fileno()).st_size
    frames = _counted(reader, keys, file, size, tell)
    frame = next(frames)
    if frame.kind == "A":
        loaded.settings, frame = _part(loaded, frame).get("settings"), next(frames)
    while frame.kind == "T":
        table = _same(there, read_json(frame.plain or b"{}"))
        _partitions(connection, tenant, table)
        with connection.cursor() as cursor, cursor.copy(table.fill(schema)) as copy:
            frame = _rows(frames, copy, loaded.left_out.setdefault(table.name, []))
        step(f"table {table.name} loaded")
    if frame.kind == "X":
        loaded.secrets, frame = _part(loaded, frame), next(frames)
    if frame.kind != "E":
        raise Damaged("The archive holds a part that this version of Onyx does not know.")
    loaded.manifest = signed_by_header(read_json(frame.plain or b""), reader.header)
    if reader.header["format"] != 1 and loaded.parts != loaded.manifest.get("parts"):
        raise Damaged("A part of the archive is not the one that its manifest names.")
    _identities(connection, schema)
    return loaded


def verify(connection: Connection, tenant: UUID, loaded: Loaded, tell: Tell = nothing) -> None:
    """Read everything back: counts and digests, row-level security, the trail's root. Raises Damaged."""
    schema, wanted = schema_of(tenant), loaded.manifest["tables"]
    there = {table.name: table for table in tables(connection, schema)}
    if there.keys() != wanted.keys():
        raise Damaged(f"These tables are on one side only: {', '.join(sorted(there.keys() ^ wanted.keys()))}.")
    for number, (name, table) in enumerate(there.items()):
        found = total(read(connection, schema, table), loaded.left_out.get(name, []))
        if {"rows": found.rows, "sha256": found.digest} != wanted[name]:
            raise Damaged(f"The table {name} is not what was saved ({found.rows} rows of {wanted[name]['rows']}).")
        tell(number + 1, len(there))
    bare = without_row_security(connection, tenant)
    if bare:
        raise Damaged(f"Row-level security is off on {', '.join(bare)}.")
    size, root = trail(connection, schema, loaded.origin)
    if {"size": size, "root": root.hex()} != loaded.manifest["checkpoint"]:
        raise Damaged("The trail is not the one that was saved: its checkpoint differs.")


def triggers_on(connection: Connection, tenant: UUID) -> None:
    """From now on changes are watched again."""
    _triggers(connection, schema_of(tenant), tables(connection, schema_of(tenant)), "enable")


def read_json(text: str | bytes) -> Any:
    """What an archive says. Raises Damaged for what is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Damaged("A part of the archive is not what Onyx writes.") from None


def _part(loaded: Loaded, frame: Frame) -> dict[str, Any]:
    """What stands beside the tables; the manifest, which comes last, says whether it is what was written."""
    plain = frame.plain or b""
    loaded.parts[frame.kind] = hashlib.sha256(plain).hexdigest()
    found = read_json(plain)
    if not isinstance(found, dict):
        raise Damaged("A part of the archive is not what Onyx writes.")
    return found


def _counted(reader: Reader, keys: Keys, file: BinaryIO, size: int, tell: Tell) -> Iterator[Frame]:
    for frame in reader.frames(keys):
        tell(file.tell(), size)
        yield frame


def _rows(frames: Iterator[Frame], copy: Copy, left_out: list[Segment]) -> Frame:
    """Rows until the table ends; returns the frame that follows."""
    erased: set[UUID] = set()
    for frame in frames:
        if frame.kind == "D":
            if frame.plain is None:
                erased.add(frame.owner)
            else:
                copy.write(frame.plain)
        elif frame.kind == "S":
            lines = read_json(frame.plain or b"[]")
            found = (Segment(UUID(owner), rows, bytes.fromhex(digest)) for owner, rows, digest in lines)
            left_out += (one for one in found if one.owner in erased)
        else:
            return frame
    raise Damaged("The archive is cut off: its end is missing.")


def _same(there: dict[str, Table], said: Any) -> Table:
    """The table of that name, when it has the columns that were saved."""
    try:
        table, columns, owner, months = there.get(said["name"]), said["columns"], said["owner"], tuple(said["months"])
    except (KeyError, TypeError):
        raise Damaged("The archive names a table as Onyx does not.") from None
    if table is None or list(table.columns) != columns or table.owner != owner:
        raise Damaged(f"The archive's table {said['name']!r} is not one of the version that it names.")
    return table._replace(months=months)


def _partitions(connection: Connection, tenant: UUID, table: Table) -> None:
    """The months of a log that the archive holds."""
    for month in table.months:
        if not re.fullmatch("20[0-9]{2}(0[1-9]|1[0-2])", str(month)):
            raise Damaged(f"The archive names a month that is none: {month!r}.")
        first = now().date().replace(int(month[:4]), int(month[4:]), 1)
        connection.execute(partitions(tenant.hex, first, 1).encode())


def _triggers(connection: Connection, schema: str, found: Any, verb: str) -> None:
    """What onyx's own triggers would do has been done when the rows were written; references are checked all the same."""
    for table in found:
        if not table.partitioned:
            connection.execute(
                sql.SQL("alter table {}.{} {} trigger user").format(
                    sql.Identifier(schema), sql.Identifier(table.name), sql.SQL(verb)
                )
            )


def _identities(connection: Connection, schema: str) -> None:
    """Sequences go on behind the largest number that was loaded."""
    rows = connection.execute(
        f"select c.relname, attname from {relations()} c join pg_attribute a on attrelid = c.oid"
        " where attidentity <> '' and not relispartition",
        [schema],
    ).fetchall()
    for table, column in rows:
        connection.execute(
            sql.SQL("select setval(pg_get_serial_sequence({}, {}), max({})) from {}.{}").format(
                sql.Literal(f"{schema}.{table}"), sql.Literal(column), sql.Identifier(column), sql.Identifier(schema),
                sql.Identifier(table),
            )
        )  # fmt: skip


def signed_by_header(told: Any, header: dict[str, Any]) -> dict[str, Any]:
    """The manifest, if whoever the header names has signed it; that this is somebody known is asked elsewhere."""
    try:
        public = PublicKey(bytes.fromhex(header["public_key"]))
        manifest = check_document(told, public, KIND)
    except (KeyError, TypeError, ValueError):
        raise Damaged("The archive's manifest does not carry the signature of the installation that made it.") from None
    if any(manifest.get(name) != value for name, value in header.items() if name != "format"):
        raise Damaged("The archive's header is not that of its manifest.")
    return manifest
