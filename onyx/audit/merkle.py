"""The Merkle tree of a trail (RFC 6962, section 2.1): a root for any number of lines, in memory for one path alone.

A leaf is SHA-256(0x00 ‖ line), the line in canonical JSON (RFC 8785), with the tenant in it, so that a line cannot be
told of another tenant (F12).
"""

import hashlib
import json
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

# An event as the tree sees it: what record() and audit_append() wrote, in the session's UTC.
COLUMNS = (
    "recorded_at", "event_id", "tx", "occurred_at", "action", "schema_version", "actor_id", "actor", "on_behalf_of",
    "session_id", "purpose", "request", "targets", "outcome", "reason", "changes", "details",
)  # fmt: skip


def root(leaves: Iterable[bytes]) -> tuple[int, bytes]:
    """How many leaf hashes there are, and the tree's root: SHA-256 of nothing for none."""
    stack: list[tuple[int, bytes]] = []
    size = 0
    for leaf in leaves:
        size, height = size + 1, 0
        while stack and stack[-1][0] == height:
            leaf = node(stack.pop()[1], leaf)
            height += 1
        stack.append((height, leaf))
    if not stack:
        return 0, hashlib.sha256().digest()
    found = stack.pop()[1]
    while stack:
        found = node(stack.pop()[1], found)
    return size, found


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf(line: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + line).digest()


def event_leaf(tenant: UUID, event: str) -> bytes:
    """The leaf of one event, from the JSON of its row as PostgreSQL renders it."""
    line = f'{event[:-1]},"tenant_id":"{tenant}"}}'
    try:
        if (
            line.isascii() and "\\u" not in line
        ):  # then code points and code units sort alike, and json writes as RFC 8785 says
            return leaf(_sorted(_plain(line)).encode())
    except _NotPlain:
        pass
    return leaf(canonical(json.loads(line)))


class _NotPlain(Exception):
    """A number that Python and ECMAScript may write differently."""


def _small(text: str) -> int:
    if len(text) > 15:
        raise _NotPlain
    return int(text)


def _fraction(_text: str) -> float:
    raise _NotPlain


_plain = json.JSONDecoder(parse_int=_small, parse_float=_fraction).decode
_sorted = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def canonical(value: Any) -> bytes:
    """RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript writes them, UTF-8."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_text(name)}:{_text(item)}" for name, item in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53:
        return _number(float(value))
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """A double as ECMAScript's Number::toString writes it (RFC 8785, section 3.2.2.3)."""
    if not math.isfinite(value):
        raise ValueError("JSON has no such number")
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    digits, _, exponent = repr(value).partition("e")
    return f"{digits}e{int(exponent):+d}"
