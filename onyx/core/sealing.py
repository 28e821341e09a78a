"""Sealing under keys made of ONYX_SECRET_KEY: AES-256-GCM (NIST SP 800-38D), for what lives minutes, such as a sign-in's
ticket. What is stored is sealed by onyx.tenancy.sealed; older versions stored this form, which that still opens.
"""

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
