"""The secret of an invitation's link: 16 bytes that name the tenant, 24 random ones; kept by its SHA-256 alone."""

import base64
import binascii
import hashlib
import os
from uuid import UUID

_LENGTH = 54  # base64url of 40 bytes, without padding


def make(tenant: UUID) -> str:
    """A new secret. Another tenant put into it makes another digest, which nobody knows (F7)."""
    return base64.urlsafe_b64encode(tenant.bytes + os.urandom(24)).decode().rstrip("=")


def tenant_of(token: str) -> UUID | None:
    """The tenant that a secret names; None for what cannot be one."""
    if len(token) != _LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "==", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return UUID(bytes=raw[:16])


def digest(token: str) -> bytes:
    """SHA-256: all that rows know of it."""
    return hashlib.sha256(token.encode()).digest()
