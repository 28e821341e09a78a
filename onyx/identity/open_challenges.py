"""Challenges for whoever comes: a passkey that knows its person signs one before any name is given.

Nobody's row can hold them, so they carry their own end under an HMAC; what was signed is remembered with the person
whose key signed it, and a second time is refused.
"""

import hashlib
import hmac
import os
import time
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows
from onyx.core.secrets import derive

SECONDS = 300
_RANDOM, _TIME, _MAC = 24, 8, 16
_USE = """
insert into factor_challenge (user_id, id, kind, digest, nonce, expires_at, used_at)
values (%s, %s, 'open', %s, '', now() + interval '10 minutes', now()) on conflict do nothing returning id
"""


def make() -> bytes:
    """A nonce that holds for five minutes."""
    body = os.urandom(_RANDOM) + (int(time.time()) + SECONDS).to_bytes(_TIME, "big")
    return body + _mac(body)


def holds(nonce: bytes) -> bool:
    """Whether Onyx made this nonce not more than five minutes ago."""
    body = nonce[:-_MAC]
    if len(nonce) != _RANDOM + _TIME + _MAC or not hmac.compare_digest(_mac(body), nonce[-_MAC:]):
        return False
    return int.from_bytes(body[_RANDOM:], "big") > time.time()


def use(session: Session, user: UUID, nonce: bytes) -> bool:
    """Remember that the person's key signed this nonce; False when it did so before. Purpose `auth`."""
    digest = hashlib.sha256(nonce).digest()
    return bool(rows(session, _USE, user, UUID(bytes=digest[:16]), digest))


def _mac(body: bytes) -> bytes:
    return hmac.digest(derive("open_challenge"), body, "sha256")[:_MAC]
