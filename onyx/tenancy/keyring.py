"""Keys of tenants and people, opened: the master key wraps a tenant's, a tenant's wraps its people's (G4).

A key is made when it is first needed. Opened ones are kept for five minutes at most, by tenant and person, and
forgotten at once when a notice speaks of either, so that nothing but sealing itself ever asks the database.
"""

import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onyx.core import master
from onyx.core.master import Wrong

from . import keystore
from .keystore import Owner, Wrapped
from .notices import Notice

LENGTH = 32
MOST_KEPT = 2048
KEPT_SECONDS = 300.0
_NONCE = 12


class Destroyed(ValueError):
    """There is no such key: its person was erased, or its tenant deleted. What it sealed can never be read."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One version of a tenant's or a person's key; it does not show itself."""

    version: int
    secret: bytes = field(repr=False)

    def derive(self, use: str) -> bytes:
        """32 bytes for one use, by HKDF-SHA-256 (RFC 5869) with the use as info."""
        return HKDF(SHA256(), LENGTH, salt=None, info=f"onyx:{use}".encode()).derive(self.secret)

    def wrap(self, plain: bytes, belongs_to: bytes) -> bytes:
        """A nonce and AES-256-GCM of another key, bound to what it belongs to."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.derive("wrap")).encrypt(nonce, plain, belongs_to)

    def unwrap(self, wrapped: bytes, belongs_to: bytes) -> bytes:
        """What wrap() wrapped. Raises Wrong."""
        try:
            return AESGCM(self.derive("wrap")).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], belongs_to)
        except InvalidTag:
            raise Wrong("a wrapped key does not open: it was changed or moved") from None


@dataclass(frozen=True, slots=True)
class Ring:
    """All versions of one key, and which of them seals now; None when there is none (any more)."""

    keys: dict[int, DataKey]
    current: int | None
    until: float


_rings: OrderedDict[tuple[UUID, UUID | None], Ring] = OrderedDict()
_lock = threading.Lock()


def data_key(
    tenant: UUID, user: UUID | None = None, *, version: int | None = None, owner: Owner | None = None
) -> DataKey:
    """A tenant's key, or a person's: the current one, made when there is none yet, or the one of that version.

    Needs an app context, or the owner's connection (steward, command line). Raises Destroyed, Wrong when this process
    has another master key, Unavailable when PostgreSQL is away.
    """
    ring = _kept(tenant, user) if owner is None else None
    if ring is None or (version is not None and version not in ring.keys):
        ring = _load(tenant, user, owner)
    for _ in range(2):  # a master key that was replaced at this moment takes a second try
        if version is None and ring.current is None:
            _make(tenant, user, owner)
            ring = _load(tenant, user, owner)
    found = ring.keys.get(version if version is not None else ring.current or 0)
    if found is None:
        raise Destroyed("the key that this needs does not exist any more")
    return found


def forget(tenant: UUID, user: UUID | None = None) -> None:
    """Forget a person's opened keys, or all of a tenant, in this process."""
    with _lock:
        for kept in [kept for kept in _rings if kept[0] == tenant and (user is None or kept[1] == user)]:
            del _rings[kept]


def obey(notice: Notice) -> None:
    """Forget the opened keys of whomever a notice speaks of; every process does so."""
    if notice.kind == "user":
        forget(notice.tenant, notice.subject)
    elif notice.kind == "tenant":
        forget(notice.tenant)


def tenant_belongs(tenant: UUID, version: int) -> bytes:
    """What a wrapped tenant's key is bound to."""
    return f"tenant-key|{tenant.hex}|{version}".encode()


def user_belongs(tenant: UUID, user: UUID, version: int) -> bytes:
    """What a wrapped person's key is bound to."""
    return f"user-key|{tenant.hex}|{user.hex}|{version}".encode()


def _kept(tenant: UUID, user: UUID | None) -> Ring | None:
    with _lock:
        ring = _rings.get((tenant, user))
        if ring is None or ring.until < time.monotonic():
            return None
        _rings.move_to_end((tenant, user))
        return ring


def _load(tenant: UUID, user: UUID | None, owner: Owner | None) -> Ring:
    found = keystore.read(tenant, user, owner)
    ring = _ring({row.version: _opened(row, tenant) for row in found if row.kind == "tenant"}, found, "tenant")
    if user is not None:
        opened = {row.version: _opened_person(row, tenant, user, ring) for row in found if row.kind == "user"}
        ring = _ring(opened, found, "user")
    if owner is None:  # what the owner's open transaction holds may be rolled back
        _keep(tenant, user, ring)
    return ring


def _keep(tenant: UUID, user: UUID | None, ring: Ring) -> None:
    with _lock:
        _rings[tenant, user] = ring
        while len(_rings) > MOST_KEPT:
            _rings.popitem(last=False)


def _ring(keys: dict[int, DataKey], found: list[Wrapped], kind: str) -> Ring:
    current = next((row.version for row in found if row.kind == kind and not row.retired), None)
    return Ring(keys, current, time.monotonic() + KEPT_SECONDS)


def _opened(row: Wrapped, tenant: UUID) -> DataKey:
    return DataKey(row.version, master.by_id(row.master).unwrap(row.wrapped, tenant_belongs(tenant, row.version)))


def _opened_person(row: Wrapped, tenant: UUID, user: UUID, tenants: Ring) -> DataKey:
    plain = tenants.keys[row.tenant_version].unwrap(row.wrapped, user_belongs(tenant, user, row.version))
    return DataKey(row.version, plain)


def _make(tenant: UUID, user: UUID | None, owner: Owner | None) -> None:
    """Version 1; of two who make it at once one wins, and both read it again."""
    fresh = os.urandom(LENGTH)
    if user is None:
        by = next(row.master for row in keystore.read(tenant, None, owner) if row.kind == "master")
        wrapped = master.by_id(by).wrap(fresh, tenant_belongs(tenant, 1))
        keystore.add_tenant_key(tenant, wrapped, by, owner)
    else:
        above = data_key(tenant, owner=owner)
        wrapped = above.wrap(fresh, user_belongs(tenant, user, 1))
        keystore.add_user_key(tenant, user, wrapped, above.version, owner)
