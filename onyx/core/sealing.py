"""Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a key of one use, bound to the row that they belong to."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .secrets import derive

_VERSION = b"\x01"
_NONCE = 12


def seal(use: str, plain: bytes, belongs_to: bytes) -> bytes:
    """The plain bytes as one version byte, nonce and ciphertext; opens again only for the same use and row."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(derive(f"seal:{use}")).encrypt(nonce, plain, belongs_to)


def unseal(use: str, sealed: bytes, belongs_to: bytes) -> bytes:
    """What seal() hid. Raises ValueError when it was changed, moved to another row or sealed under another key."""
    if sealed[:1] != _VERSION:
        raise ValueError("sealed by an unknown version")
    nonce, hidden = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return AESGCM(derive(f"seal:{use}")).decrypt(nonce, hidden, belongs_to)
    except InvalidTag:
        raise ValueError("this was not sealed here") from None
