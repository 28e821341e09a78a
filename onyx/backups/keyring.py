"""Whose key opens which part of an archive.

A backup's keys come from the tenant's and the persons' own, so that an erased person's rows stay sealed in every
backup for ever. An export has one key of its own, wrapped by a passphrase that is shown once (scrypt, RFC 7914).
"""

import base64
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from onyx.tenancy import signing
from onyx.tenancy.keyring import DataKey, Destroyed, data_key

from .frames import NOBODY, Damaged, Keys, WrongPassphrase
from .tables import Connection

_COST = {"n": 1 << 16, "r": 8, "p": 1}
_MOST = 1 << 17


class OwnKeys:
    """The keys of one backup of this installation: those of the tenant and of its people, bound to this archive."""

    def __init__(self, tenant: UUID, archive: UUID, owner: Connection) -> None:
        """`owner` is a connection in autocommit: a person who has no key yet gets one."""
        self._tenant, self._archive, self._owner = tenant, archive, owner
        self._current: dict[UUID, tuple[int, bytes] | None] = {}
        self._opened: dict[tuple[UUID, int], bytes | None] = {}

    def current(self, owner: UUID) -> tuple[int, bytes] | None:
        if owner not in self._current:
            found = self._key(owner, None)
            self._current[owner] = (found.version, self._derived(found, owner)) if found else None
        return self._current[owner]

    def of(self, owner: UUID, version: int) -> bytes | None:
        """Raises Damaged when the tenant's own key is gone: the whole archive is unreadable then."""
        if (owner, version) not in self._opened:
            found = self._key(owner, version)
            if found is None and owner == NOBODY:
                raise Damaged("The keys of this organisation were destroyed; nobody can read this backup any more.")
            if found is None and self._has_keys(owner):  # else rows could be left out by naming a key that never was
                raise Damaged("The archive was altered: it names a key that a person never had.")
            self._opened[owner, version] = self._derived(found, owner) if found else None
        return self._opened[owner, version]

    def _key(self, owner: UUID, version: int | None) -> DataKey | None:
        try:
            return data_key(self._tenant, owner if owner != NOBODY else None, version=version, owner=self._owner)
        except Destroyed:
            return None

    def _has_keys(self, person: UUID) -> bool:
        statement = "select 1 from onyx.user_key where tenant_id = %s and user_id = %s limit 1"
        return self._owner.execute(statement, [self._tenant, person]).fetchone() is not None

    def _derived(self, key: DataKey, owner: UUID) -> bytes:
        return _bound(key.derive("archive"), self._archive, owner)


@dataclass(frozen=True, slots=True)
class TransferKeys:
    """The keys of an export, all from the one that the passphrase opens."""

    content: bytes = field(repr=False)
    archive: UUID

    def current(self, owner: UUID) -> tuple[int, bytes]:
        return 0, self.of(owner, 0)

    def of(self, owner: UUID, version: int) -> bytes:
        return _bound(self.content, self.archive, owner)


def new_passphrase() -> str:
    """130 random bits in letters and digits, for people to keep; Onyx keeps it nowhere."""
    letters = base64.b32encode(os.urandom(17)).decode()[:26].lower()
    return "-".join(letters[at : at + 5] for at in range(0, 26, 5))


def new_transfer(archive: UUID, passphrase: str) -> tuple[TransferKeys, dict[str, Any]]:
    """Keys for an export under a passphrase, and what its header says of them."""
    content, salt, nonce = os.urandom(32), os.urandom(16), os.urandom(12)
    wrapped = AESGCM(_stretched(passphrase, salt, **_COST)).encrypt(nonce, content, archive.bytes)
    told = {"kdf": "scrypt", **_COST, "salt": salt.hex(), "nonce": nonce.hex(), "wrapped": wrapped.hex()}
    return TransferKeys(content, archive), told


def keys_for(header: dict[str, Any], owner: Connection, passphrase: str | None) -> Keys:
    """The keys that open an archive here.

    Raises Damaged, with what to do, when there are none.
    """
    try:
        archive, tenant, transfer = UUID(header["archive"]), UUID(header["tenant"]["id"]), header.get("transfer")
        if transfer is not None:
            return transfer_keys(header, passphrase)
        if not made_here(header, owner):
            raise Damaged(
                "This backup was made by another installation, whose keys are not here. To move an organisation,"
                " make an export there with `flask tenants export`."
            )
    except (KeyError, TypeError, ValueError):
        raise Damaged("The archive's header was altered.") from None
    return OwnKeys(tenant, archive, owner)


def transfer_keys(header: dict[str, Any], passphrase: str | None) -> TransferKeys:
    """The keys of an export. Raises WrongPassphrase, Damaged."""
    if not passphrase:
        raise WrongPassphrase("This is an export: give the passphrase that was shown when it was made.")
    try:
        archive = UUID(header["archive"])
        return TransferKeys(_unwrap(header["transfer"], archive, passphrase), archive)
    except (KeyError, TypeError, ValueError):
        raise Damaged("The archive's header was altered.") from None


def made_here(header: dict[str, Any], owner: Connection) -> bool:
    """Whether this installation says of itself that it wrote the archive; the manifest's signature proves it."""
    return header.get("public_key") in {one.public.value.hex() for one in signing.public_keys(owner)}


def _bound(key: bytes, archive: UUID, owner: UUID) -> bytes:
    """A key for one owner in one archive alone (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=archive.bytes, info=b"onyx archive" + owner.bytes).derive(key)


def _unwrap(transfer: dict[str, Any], archive: UUID, passphrase: str) -> bytes:
    cost = {name: int(transfer[name]) for name in _COST}
    if transfer["kdf"] != "scrypt" or not 1 < cost["n"] <= _MOST or cost["r"] != 8 or cost["p"] != 1:
        raise Damaged("The export's passphrase is stretched in a way that Onyx does not use.")
    key = _stretched(passphrase, bytes.fromhex(transfer["salt"]), **cost)
    try:
        wrapped = bytes.fromhex(transfer["wrapped"])
        return AESGCM(key).decrypt(bytes.fromhex(transfer["nonce"]), wrapped, archive.bytes)
    except InvalidTag:
        raise WrongPassphrase("The passphrase does not open this export.") from None


def _stretched(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt, 32, n, r, p).derive("".join(passphrase.lower().replace("-", " ").split()).encode())
