"""Ed25519 signatures (RFC 8032), and the one form of everything that Onyx signs: a JSON document.

Deletion certificates, isolation reports and manifests of backups are such documents. Nothing here needs a database:
whoever holds the public key can check them anywhere. Who signs is in onyx.tenancy.signing.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .canonical import canonical
from .clock import now, rfc3339

ALGORITHM = "Ed25519"
_DOCUMENT = b"onyx-document/1\n"  # so that no document's signature is one of anything else
_SIGNED = ("kind", "issued_at", "content")


class NotGenuine(ValueError):
    """A signature does not fit: something was changed, or another key made it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """64 bytes, and which key made them."""

    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class PublicKey:
    """32 bytes that everybody may have; the id is the beginning of their SHA-256."""

    value: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(self.value).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; it does not show itself."""

    seed: bytes = field(repr=False)

    @classmethod
    def new(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._key().public_key().public_bytes_raw())

    def sign(self, payload: bytes) -> Signature:
        return Signature(self.public.id, self._key().sign(payload))

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def check(payload: bytes, signature: Signature, public: PublicKey) -> None:
    """Raises NotGenuine unless this key made this signature of this payload."""
    try:
        Ed25519PublicKey.from_public_bytes(public.value).verify(signature.value, payload)
    except (InvalidSignature, ValueError):
        raise NotGenuine("the signature does not fit") from None


def document(key: SigningKey, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """Content as a signed document: `kind`, `issued_at`, `content`, `signature`. Raises as canonical() does.

    What is signed is `onyx-document/1`, a line feed, and the canonical JSON of the first three members.
    """
    made: dict[str, Any] = {"kind": kind, "issued_at": rfc3339(now()), "content": content}
    signature = key.sign(_payload(made))
    value = base64.b64encode(signature.value).decode()
    return made | {"signature": {"algorithm": ALGORITHM, "key_id": signature.key_id, "value": value}}


def check_document(made: dict[str, Any], public: PublicKey, kind: str | None = None) -> dict[str, Any]:
    """The content of a genuine document. Raises NotGenuine, also for one of another kind than the one wanted."""
    try:
        signature = made["signature"]
        if signature["algorithm"] != ALGORITHM or set(made) != {*_SIGNED, "signature"}:
            raise NotGenuine("this is not the form of a signed document")
        value = base64.b64decode(signature["value"], validate=True)
        check(_payload(made), Signature(signature["key_id"], value), public)
    except (KeyError, TypeError, AttributeError, binascii.Error, UnicodeError):
        raise NotGenuine("this is not the form of a signed document") from None
    except ValueError as error:
        raise NotGenuine(str(error)) from None
    if kind is not None and made["kind"] != kind:
        raise NotGenuine(f"this is a document of kind {made['kind']}, not {kind}")
    content: dict[str, Any] = made["content"]
    return content


def key_id_of(made: Any) -> str:
    """Which key a document says has signed it; empty when it does not say. Believe it after check_document()."""
    signature = made.get("signature") if isinstance(made, dict) else None
    id = signature.get("key_id") if isinstance(signature, dict) else None
    return id if isinstance(id, str) else ""


def _payload(made: dict[str, Any]) -> bytes:
    return _DOCUMENT + canonical({name: made[name] for name in _SIGNED})
