"""The file that a month of the access log becomes: its lines as JSON, packed and sealed under the tenant's key (G4).

`ONYXLOG1`, then frames: length (4 bytes), whether it is the last one (1 byte), and what sealed.seal() makes of some
thousand lines, packed by zlib (RFC 1950). Each frame is bound to the archive, its place and whether it is the last, so
that none can be left out, moved or taken from elsewhere.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import psycopg
from psycopg import sql

from onyx.tenancy import sealed
from onyx.tenancy.whole_files import Counted

USE = "access-log"
AT_ONCE = 2000
_MAGIC = b"ONYXLOG1"
_HEAD = struct.Struct(">IB")
_LARGEST = 64 * 1024 * 1024
Owner = psycopg.Connection[Any]


class Damaged(Exception):
    """The file is not what was written; the message says how it is seen."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Which archive a file is, and whose."""

    id: UUID
    tenant: UUID

    def bound(self, number: int, last: bool) -> bytes:
        return self.id.bytes + number.to_bytes(8, "big") + bytes([last])


def lines_of(there: Owner, partition: sql.Identifier) -> Iterator[str]:
    """The lines of a partition as JSON, the oldest first, as they are at this moment; needs a transaction."""
    with there.cursor(name="archived_lines") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(sql.SQL("select to_jsonb(e)::text from {} e order by occurred_at, id").format(partition))
        for row in cursor:
            yield row[0]


def write(file: Counted, archive: Archive, lines: Iterator[str], owner: Owner) -> int:
    """Write all lines; returns how many there were. `owner` reads the tenant's key."""
    file.write(_MAGIC)
    written = number = 0
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == AT_ONCE:
            _frame(file, archive, number, False, waiting, owner)
            written, number = written + len(waiting), number + 1
            waiting = []
    _frame(file, archive, number, True, waiting, owner)
    return written + len(waiting)


def read(path: Path, archive: Archive, owner: Owner | None = None) -> Iterator[str]:
    """The lines of a file. Raises Damaged for whatever is not as it was written, also when its key is gone."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise Damaged("This is not an archived access log of Onyx.")
        number, last = 0, False
        while not last:
            length, flag = _HEAD.unpack(_exactly(file, _HEAD.size))
            last = bool(flag)
            hidden = _exactly(file, length)
            try:
                plain = sealed.unseal(USE, hidden, archive.bound(number, last), tenant=archive.tenant, owner=owner)
            except ValueError as error:
                raise Damaged(f"The archive does not open: {error}.") from None
            yield from zlib.decompress(plain).decode().split("\n")[:-1]  # splitlines() would tear what somebody sent
            number += 1
        if file.read(1):
            raise Damaged("Something follows the archive's end.")


def sha256_of(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _frame(file: Counted, archive: Archive, number: int, last: bool, lines: list[str], owner: Owner) -> None:
    packed = zlib.compress("".join(f"{line}\n" for line in lines).encode(), 6)
    hidden = sealed.seal(USE, packed, archive.bound(number, last), tenant=archive.tenant, owner=owner)
    file.write(_HEAD.pack(len(hidden), last) + hidden)


def _exactly(file: BinaryIO, size: int) -> bytes:
    if size > _LARGEST:
        raise Damaged("The archive was altered: a part has no sensible length.")
    found = file.read(size)
    if len(found) != size:
        raise Damaged("The archive is cut off: its end is missing.")
    return found
