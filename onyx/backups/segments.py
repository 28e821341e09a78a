"""Rows on their way: a table as segments, one for each person, with what can be checked afterwards."""

import hashlib
import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple
from uuid import UUID

from .frames import NOBODY
from .tables import Connection, Table

CHUNK = 256 * 1024


class Segment(NamedTuple):
    """The rows of one person in one table: how many, and the SHA-256 of their text."""

    owner: UUID
    rows: int
    sha256: bytes


Sink = Callable[[bytes, UUID], None]


def read(connection: Connection, schema: str, table: Table, sink: Sink | None = None) -> Iterator[Segment]:
    """Read a table in its order, person by person; rows go to `sink` in pieces of about 256 KiB, none larger than that
    and one row. Memory is bounded by that piece and the largest row.
    """
    owner, rows, digest = NOBODY, 0, hashlib.sha256()
    waiting: list[bytes] = []
    size = 0

    def send() -> None:
        nonlocal size
        if waiting and sink:
            sink(b"".join(waiting), owner)
        waiting.clear()
        size = 0

    with connection.cursor() as cursor, cursor.copy(table.select(schema)) as copy:
        for line in copy:
            row = bytes(line)
            if table.owner:
                whose, row = UUID(row[:36].decode()), row[37:]
                if whose != owner:
                    send()
                    if rows:
                        yield Segment(owner, rows, digest.digest())
                    owner, rows, digest = whose, 0, hashlib.sha256()
            rows += 1
            digest.update(row)
            if sink:
                waiting.append(row)
                size += len(row)
                if size >= CHUNK:
                    send()
    send()
    if rows or not table.owner:
        yield Segment(owner, rows, digest.digest())


class Total:
    """Rows and digest of a table, from its segments in order."""

    def __init__(self) -> None:
        self.rows = 0
        self._digest = hashlib.sha256()

    def add(self, segment: Segment) -> None:
        self.rows += segment.rows
        self._digest.update(segment.owner.bytes + segment.rows.to_bytes(8, "big") + segment.sha256)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


def total(found: Iterator[Segment], left_out: list[Segment]) -> Total:
    """The total of a table as it was, from what is there and the segments that could not be opened."""
    made = Total()
    for segment in heapq.merge(found, left_out, key=lambda one: one.owner.bytes):
        made.add(segment)
    return made
