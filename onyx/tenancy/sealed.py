"""Secrets and files at rest: AES-256-GCM (NIST SP 800-38D) under the tenant's or the person's key.

Form: `02`, the key's version (4 bytes), a nonce (12 bytes), ciphertext and tag. Bound to its use and its row, not to
the tenant's id: the key says whose it is, and a copy of a tenant, restored beside it, goes on reading.
"""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onyx.core import sealing

from .keyring import data_key
from .keystore import Owner

FILE = "file"  # what contents of files are sealed for
_FORM = b"\x02"
_VERSION = 4
_NONCE = 12
_HEAD = len(_FORM) + _VERSION


def seal(
    use: str, plain: bytes, belongs_to: bytes, *, tenant: UUID, user: UUID | None = None, owner: Owner | None = None
) -> bytes:
    """Seal under the current key of a tenant, or of one of its people. Raises as data_key()."""
    key = data_key(tenant, user, owner=owner)
    head, nonce = _FORM + key.version.to_bytes(_VERSION, "big"), os.urandom(_NONCE)
    hidden = AESGCM(key.derive(f"seal:{use}")).encrypt(nonce, plain, head + belongs_to)
    return head + nonce + hidden


def unseal(
    use: str, hidden: bytes, belongs_to: bytes, *, tenant: UUID, user: UUID | None = None, owner: Owner | None = None
) -> bytes:
    """What seal() hid. Raises ValueError when it was changed or moved, Destroyed (a ValueError) when its key is gone.

    What older versions sealed, under a key made of ONYX_SECRET_KEY and bound to tenant and row, opens too.
    """
    if hidden[:1] != _FORM:
        return sealing.unseal(use, hidden, tenant.bytes + belongs_to)
    key = data_key(tenant, user, version=version_of(hidden), owner=owner)
    head, nonce, rest = hidden[:_HEAD], hidden[_HEAD : _HEAD + _NONCE], hidden[_HEAD + _NONCE :]
    try:
        return AESGCM(key.derive(f"seal:{use}")).decrypt(nonce, rest, head + belongs_to)
    except InvalidTag:
        raise ValueError("this was not sealed here") from None


def version_of(hidden: bytes) -> int:
    """The version of the key that sealed this; 0 for what an older version of Onyx sealed."""
    return int.from_bytes(hidden[len(_FORM) : _HEAD], "big") if hidden[:1] == _FORM else 0
