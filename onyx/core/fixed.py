"""Statements that stand in the source, and what is sent of them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import psycopg


class Fixed(str):
    """A statement that stands in the source (`%s` for values). Made at import alone, never out of what comes in."""

    __slots__ = ("sent",)
    sent: bytes

    def __new__(cls, text: str) -> "Fixed":
        made = super().__new__(cls, text)
        first, *others = text.split("%s")
        numbered = first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))
        made.sent = numbered.replace("%%", "%").encode()
        return made


class Message(NamedTuple):
    """A statement with its values; what is prepared belongs to one tenant, so that no plan serves two."""

    tenant: bytes
    statement: Fixed
    values: Sequence[bytes | None]


class Later:
    """A statement that has been put off; `rows` once it has been sent."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.rows: list[Any] = []


def as_text(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it. Raises DataError for what it cannot hold, TypeError for an unknown kind."""
    if value is None:
        return None
    if isinstance(value, (str, UUID, int, date)):
        text = str(value).encode()
        if b"\0" in text:
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return text
    raise TypeError(f"a fixed statement takes no {type(value).__name__}")
