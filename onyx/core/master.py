"""The master key (ONYX_MASTER_KEY): it wraps other keys, whatever they are for, and touches nothing else.

While it is being replaced there are two, the new one and ONYX_MASTER_KEY_PREVIOUS. The database says which of them
wraps now; each wrapped key says which of them it needs.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LENGTH = 32
_FORM = b"\x01"
_NONCE = 12
_installed: tuple["Master", ...] = ()


class Wrong(ValueError):
    """A wrapped key cannot be opened: another master key is needed, or it was changed or moved."""


class Master:
    """One master key. `id` is public: derived from the key, it tells two apart and gives nothing away."""

    def __init__(self, key: bytes) -> None:
        self.id = _derive(key, "master-id")[:16]
        self._wrapping = AESGCM(_derive(key, "master-wrap"))

    def wrap(self, plain: bytes, belongs_to: bytes) -> bytes:
        """A form byte, a nonce and AES-256-GCM of a key (NIST SP 800-38D), bound to what it belongs to."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._wrapping.encrypt(nonce, plain, belongs_to)

    def unwrap(self, wrapped: bytes, belongs_to: bytes) -> bytes:
        """What wrap() wrapped. Raises Wrong."""
        if wrapped[:1] != _FORM:
            raise Wrong("wrapped in an unknown form")
        try:
            return self._wrapping.decrypt(wrapped[1 : 1 + _NONCE], wrapped[1 + _NONCE :], belongs_to)
        except InvalidTag:
            raise Wrong("this was not wrapped by this master key for this purpose") from None


def parse(text: str) -> bytes:
    """The 32 bytes of a master key in base64. Raises ValueError, which never tells the key."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be 32 bytes in base64 (openssl rand -base64 32)") from None
    if len(key) != LENGTH:
        raise ValueError(f"must be 32 bytes in base64 (openssl rand -base64 32); these are {len(key)}")
    return key


def install(text: str, previous: str | None = None) -> None:
    """Set the master key, and the one that it replaces, if any; called once at boot. Raises ValueError."""
    global _installed
    _installed = tuple(Master(parse(one)) for one in (text, previous) if one)


def installed() -> tuple[Master, ...]:
    """The master keys of this process, the newest first."""
    if not _installed:
        raise RuntimeError("master.install() has not been called")
    return _installed


def by_id(id: bytes) -> Master:
    """The master key of that id. Raises Wrong when this process was not given it."""
    for one in installed():
        if one.id == id:
            return one
    raise Wrong("this needs a master key that is neither ONYX_MASTER_KEY nor ONYX_MASTER_KEY_PREVIOUS")


def _derive(key: bytes, use: str) -> bytes:
    return HKDF(SHA256(), LENGTH, salt=None, info=f"onyx:{use}".encode()).derive(key)
