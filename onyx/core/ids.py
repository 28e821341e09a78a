"""Identifiers that sort by time: UUID version 7."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, then 74 random bits (RFC 9562, section 5.7)."""
    value = int.from_bytes(os.urandom(10), "big") | (time.time_ns() // 1_000_000) << 80
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def parse_id(text: object) -> UUID | None:
    """The UUID in `text`, or None for anything else: a malformed id is an unknown id."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text) if isinstance(text, str) and len(text) in (32, 36) else None
    except ValueError:
        return None
