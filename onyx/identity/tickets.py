"""What Onyx hands out to be brought back once: a link's token, the challenge between two steps of signing in.

A ticket names its tenant and person, so that the right schema can be asked, under an HMAC for its use, so that a made-up
or altered one is refused before any row is looked for. Rows know it by digest alone (F19), and only rows say whether it
still holds.
"""

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from onyx.core.secrets import derive

_RANDOM, _MAC = 24, 16
_LENGTH = 96


@dataclass(frozen=True, slots=True)
class Ticket:
    """A genuine ticket: whose it is, and the digest by which its row is found."""

    tenant: UUID
    user: UUID
    digest: bytes


def make(use: str, tenant: UUID, user: UUID) -> str:
    """A new ticket of 96 characters that may stand in a URL; 192 of its bits are random."""
    body = tenant.bytes + user.bytes + os.urandom(_RANDOM)
    return base64.urlsafe_b64encode(body + _mac(use, body)).decode()


def read(use: str, text: str) -> Ticket | None:
    """The ticket in `text`, None for anything that Onyx did not hand out for this use."""
    if len(text) != _LENGTH:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeError, binascii.Error):
        return None
    body = raw[:-_MAC]
    if not hmac.compare_digest(_mac(use, body), raw[-_MAC:]):
        return None
    return Ticket(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), digest(text))


def digest(text: str) -> bytes:
    """SHA-256 of a ticket: all that rows may know of it."""
    return hashlib.sha256(text.encode()).digest()


def _mac(use: str, body: bytes) -> bytes:
    return hmac.digest(derive(f"ticket:{use}"), body, "sha256")[:_MAC]
