"""Keys, all derived from one secret, one for each use, so that none can stand in for another."""

import hashlib
import hmac
import threading

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_lock = threading.Lock()
_root: bytes | None = None
_derived: dict[str, bytes] = {}


def install(secret: str) -> None:
    """Set the installation's root secret (ONYX_SECRET_KEY); called once at boot."""
    global _root
    with _lock:
        _root = secret.encode()
        _derived.clear()


def derive(use: str) -> bytes:
    """32 bytes for one use, by HKDF-SHA-256 (RFC 5869) with the use as info."""
    key = _derived.get(use)
    if key is None:
        if _root is None:
            raise RuntimeError("secrets.install() has not been called")
        key = HKDF(SHA256(), 32, salt=None, info=f"onyx:{use}".encode()).derive(_root)
        _derived[use] = key
    return key


def digest(use: str, text: str) -> bytes:
    """HMAC-SHA-256 of `text` under the key of `use`: a name that only Onyx can compute."""
    return hmac.digest(derive(use), text.encode(), hashlib.sha256)


def email_digest(email: str) -> bytes:
    """The directory's name for an e-mail address; case and surrounding blanks do not count."""
    return digest("directory", email.strip().lower())


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
