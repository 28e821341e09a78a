"""Whose key opens which part of an archive.

A backup's keys come from the tenant's and the persons' own, so that an erased person's rows stay sealed in every
backup for ever. An export has one key of its own, wrapped by a passphrase that is shown once (scrypt, RFC 7914).
"""

import base64
import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from onyx.core.secrets import derive

from .frames import Damaged, Keys

_COST = {"n": 1 << 16, "r": 8, "p": 1}
_MOST = 1 << 17


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The keys of one backup of this installation."""

    tenant: UUID
    archive: UUID

    def of_tenant(self) -> bytes:
        return _bound(derive(f"backup:{self.tenant.hex}"), self.archive, b"tenant")

    def of_person(self, user: UUID) -> bytes | None:
        return _bound(derive(f"backup:{self.tenant.hex}"), self.archive, user.bytes)


@dataclass(frozen=True, slots=True)
class TransferKeys:
    """The keys of an export, all from the one that the passphrase opens."""

    content: bytes
    archive: UUID

    def of_tenant(self) -> bytes:
        return _bound(self.content, self.archive, b"tenant")

    def of_person(self, user: UUID) -> bytes | None:
        return _bound(self.content, self.archive, user.bytes)


def new_transfer(archive: UUID) -> tuple[TransferKeys, dict[str, Any], str]:
    """Keys for an export, what its header says of them, and the passphrase (130 bits), which is kept nowhere."""
    content, salt, nonce = os.urandom(32), os.urandom(16), os.urandom(12)
    letters = base64.b32encode(os.urandom(17)).decode()[:26].lower()
    passphrase = "-".join(letters[at : at + 5] for at in range(0, 26, 5))
    wrapped = AESGCM(_stretched(passphrase, salt, **_COST)).encrypt(nonce, content, archive.bytes)
    told = {"kdf": "scrypt", **_COST, "salt": salt.hex(), "nonce": nonce.hex(), "wrapped": wrapped.hex()}
    return TransferKeys(content, archive), told, passphrase


def keys_for(header: dict[str, Any], own: bool, passphrase: str | None) -> Keys:
    """The keys that open an archive here; `own` says that this installation made it.

    Raises Damaged, with what to do, when there are none.
    """
    try:
        archive, tenant, transfer = UUID(header["archive"]), UUID(header["tenant"]["id"]), header.get("transfer")
        if transfer is not None:
            if not passphrase:
                raise Damaged("This is an export: give the passphrase that was shown when it was made.")
            return TransferKeys(_unwrap(transfer, archive, passphrase), archive)
        if not own:
            raise Damaged(
                "This backup was made by another installation, whose keys are not here. To move an organisation,"
                " make an export there with `flask tenants export`."
            )
    except (KeyError, TypeError, ValueError):
        raise Damaged("The archive's header was altered.") from None
    return OwnKeys(tenant, archive)


def _bound(key: bytes, archive: UUID, owner: bytes) -> bytes:
    """A key for one owner in one archive alone (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=archive.bytes, info=b"onyx archive" + owner).derive(key)


def _unwrap(transfer: dict[str, Any], archive: UUID, passphrase: str) -> bytes:
    cost = {name: int(transfer[name]) for name in _COST}
    if transfer["kdf"] != "scrypt" or not 1 < cost["n"] <= _MOST or cost["r"] != 8 or cost["p"] != 1:
        raise Damaged("The export's passphrase is stretched in a way that Onyx does not use.")
    key = _stretched(passphrase, bytes.fromhex(transfer["salt"]), **cost)
    try:
        wrapped = bytes.fromhex(transfer["wrapped"])
        return AESGCM(key).decrypt(bytes.fromhex(transfer["nonce"]), wrapped, archive.bytes)
    except InvalidTag:
        raise Damaged("The passphrase does not open this export.") from None


def _stretched(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt, 32, n, r, p).derive("".join(passphrase.lower().replace("-", " ").split()).encode())
