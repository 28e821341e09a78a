"""Keyset pages: a cursor is the sort key of the last row, opaque to clients (STYLE 23)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from .errors import Invalid
from .ids import parse_id

Cursor = tuple[datetime, UUID]


def cut(found: Sequence[Any], size: int, cursor: Callable[[Any], str]) -> tuple[list[Any], str | None]:
    """The first `size` of `size + 1` rows that were asked for, and the cursor of the next page if there is one."""
    shown = list(found[:size])
    return shown, cursor(shown[-1]) if len(found) > size else None


def cursor_of(row: Any) -> str:
    """The cursor after a row with `created_at` and `id`."""
    return cursor_after(row.created_at, row.id)


def cursor_after(moment: datetime, id: UUID) -> str:
    """The cursor after a row that is sorted by some time and its id."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{id.hex}".encode()).decode().rstrip("=")


def parse_cursor(text: str | None) -> Cursor | None:
    """Time and id of a cursor, None without one. Raises Invalid for anything that Onyx did not make."""
    if not text:
        return None
    try:
        moment, _, id = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode().partition("|")
        found = datetime.fromisoformat(moment), parse_id(id)
    except (ValueError, binascii.Error):
        raise _unknown() from None
    if found[1] is None or found[0].tzinfo is None:
        raise _unknown()
    return found[0], found[1]


def cursor_of_key(key: str, id: UUID) -> str:
    """The cursor after a row that is sorted by something and its id."""
    return base64.urlsafe_b64encode(f"{id.hex}|{key}".encode()).decode().rstrip("=")


def parse_key_cursor(text: str | None) -> tuple[str, UUID] | None:
    """Sort key and id of a cursor, None without one. Raises Invalid for anything that Onyx did not make."""
    if not text:
        return None
    try:
        id, found, key = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode().partition("|")
    except (ValueError, binascii.Error):
        raise _unknown() from None
    known = parse_id(id)
    if known is None or not found or "\0" in key:
        raise _unknown()
    return key, known


def parse_id_cursor(text: str | None) -> UUID | None:
    """A cursor that is an id alone, None without one. Raises Invalid."""
    if not text:
        return None
    found = parse_id(text)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Invalid:
    return Invalid(fields={"after": "This is not a cursor of this list."})
