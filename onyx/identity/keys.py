"""API keys: `onyx_<id>_<secret>`, known to the server only by their SHA-256.

The id names tenant, person, key and end of life; the secret is 32 random bytes and a MAC over both. A made-up key is
refused by arithmetic alone, before it could name a tenant to Redis or PostgreSQL (F1, F22).
"""

import base64
import binascii
import hmac
import os
import struct
import time
from datetime import datetime
from uuid import UUID

from onyx.core.secrets import derive

from .tokens import Claims

PREFIX = "onyx_"
_ID = struct.Struct(">16s16s16sQ")
_RANDOM, _MAC = 32, 16


def looks_like_key(token: str) -> bool:
    """Whether a credential claims to be an API key; a JWT never begins like this."""
    return token.startswith(PREFIX)


def issue(user: UUID, tenant: UUID, key: UUID, expires_at: datetime) -> str:
    """A new key; it is shown once and cannot be made again."""
    id = _ID.pack(tenant.bytes, user.bytes, key.bytes, int(expires_at.timestamp()))
    random = os.urandom(_RANDOM)
    return f"{PREFIX}{_text(id)}_{_text(random + _mac(id, random))}"


def read(token: str) -> Claims | None:
    """What a genuine key that has not run out says; None for anything else, half a key included."""
    parts = token.split("_")
    if len(token) > 256 or len(parts) != 3 or parts[0] != "onyx":
        return None
    id, secret = _bytes(parts[1]), _bytes(parts[2])
    if id is None or secret is None or len(id) != _ID.size or len(secret) != _RANDOM + _MAC:
        return None
    if not hmac.compare_digest(secret[_RANDOM:], _mac(id, secret[:_RANDOM])):
        return None
    tenant, user, key, expires = _ID.unpack(id)
    if expires <= time.time():
        return None
    return Claims(UUID(bytes=user), UUID(bytes=tenant), UUID(bytes=key), expires, by_key=True)


def _mac(id: bytes, random: bytes) -> bytes:
    return hmac.digest(derive("api-key"), id + random, "sha256")[:_MAC]


def _text(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes | None:
    """The bytes of lower-case base32 without padding; None for any other spelling, so that each key has just one."""
    try:
        data = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return None
    return data if _text(data) == text else None
