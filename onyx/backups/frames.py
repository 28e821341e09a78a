"""An archive on disk: a header that may be read, then sealed frames in an order that cannot be changed.

Each frame is AES-256-GCM (NIST SP 800-38D) under its owner's key: a person's for that person's rows, the tenant's for
the rest. Nonce: the frame's number (8 bytes), three zeros, 1 for the last frame and 0 for all others, as in the STREAM
construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015); no two frames of an archive share a number, so no key meets a
nonce twice. The digest of the header is authenticated with every frame. What was cut off has no last frame; what was
moved, altered or taken from another archive does not open.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"ONYX ARCHIVE\n"
FORMAT = 2
READABLE = (1, 2)  # 1 had the settings in its header and what it carries for another installation unsigned
NOBODY = UUID(int=0)
LARGEST = 64 * 1024 * 1024
_HEAD = struct.Struct(">IB16sI")


class Damaged(Exception):
    """This is no archive, or not as it was written; the message may be shown."""


class WrongPassphrase(Damaged):
    """It may be an archive, but this passphrase does not open it."""


class Output(Protocol):
    """Whatever frames can be written to."""

    def write(self, data: bytes, /) -> int: ...


class Keys(Protocol):
    """Where the keys of one archive come from, 32 bytes each; the owner is a person, or NOBODY for the tenant."""

    def current(self, owner: UUID) -> tuple[int, bytes] | None:
        """The key to seal with and its version; None for a person who is being erased."""

    def of(self, owner: UUID, version: int) -> bytes | None:
        """The key that sealed; None when its person was erased: nobody can open their frames any more."""


class Frame(NamedTuple):
    """One opened frame; `plain` is None when its person was erased."""

    kind: str
    owner: UUID
    plain: bytes | None


class Writer:
    """Writes frames to a file that is open for binary writing."""

    def __init__(self, file: Output, header: dict[str, Any], keys: Keys) -> None:
        text = json.dumps({"format": FORMAT, **header}, sort_keys=True, separators=(",", ":")).encode()
        self._file, self._keys = file, keys
        self._last: tuple[UUID, int, AESGCM] | None = None
        self._bound, self._number = hashlib.sha256(text).digest(), 0
        file.write(MAGIC + struct.pack(">I", len(text)) + text)

    def add(self, kind: str, plain: bytes, owner: UUID = NOBODY, last: bool = False) -> bool:
        """Seal and write one frame; False, and nothing written, for an owner who is being erased.

        Raises OSError when the disk is full.
        """
        found = self._cipher(owner)
        if found is None:
            return False
        version, cipher = found
        nonce = struct.pack(">Q3xB", self._number, last)
        sealed = cipher.encrypt(nonce, zlib.compress(plain, 1), _bound(self._bound, kind, owner, version))
        self._file.write(_HEAD.pack(len(sealed), ord(kind), owner.bytes, version) + sealed)
        self._number += 1
        return True

    def _cipher(self, owner: UUID) -> tuple[int, AESGCM] | None:
        """The owner's cipher; the last one is kept, since rows come person by person."""
        if self._last is None or self._last[0] != owner:
            key = self._keys.current(owner)
            if key is None:
                return None
            self._last = owner, key[0], AESGCM(key[1])
        return self._last[1:]


class Reader:
    """Reads an archive from its beginning: `header` at once, then `frames()`, once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if file.read(len(MAGIC)) != MAGIC:
            raise Damaged("This is not an archive of Onyx.")
        text = _exactly(file, struct.unpack(">I", _exactly(file, 4))[0])
        self._bound = hashlib.sha256(text).digest()
        try:
            self.header: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError):
            raise Damaged("The archive's header was altered.") from None
        if not isinstance(self.header, dict):
            raise Damaged("The archive's header was altered.")
        if self.header.get("format") not in READABLE:
            known = " and ".join(map(str, READABLE))
            raise Damaged(f"This archive has format {self.header.get('format')}; this version of Onyx reads {known}.")
        if not _has_form(self.header):
            raise Damaged("The archive's header was altered.")

    def frames(self, keys: Keys) -> Iterator[Frame]:
        """All frames in order, the last one included. Raises Damaged for whatever is not as it was written."""
        number, last = 0, False
        whose: tuple[UUID, int, AESGCM | None] | None = None
        while not last:
            length, code, owner_bytes, version = _HEAD.unpack(_exactly(self._file, _HEAD.size))
            if length > LARGEST:
                raise Damaged("The archive was altered: a frame has no sensible length.")
            sealed, kind, owner = _exactly(self._file, length), chr(code), UUID(bytes=owner_bytes)
            if whose is None or whose[:2] != (owner, version):
                key = keys.of(owner, version)
                whose = owner, version, AESGCM(key) if key else None
            last = kind == "E"
            if last and self._file.read(1):
                raise Damaged("Something follows the archive's end.")
            cipher, bound = whose[2], _bound(self._bound, kind, owner, version)
            yield Frame(kind, owner, _open(cipher, number, last, sealed, bound) if cipher else None)
            number += 1

    def skip_through(self) -> None:
        """Go from frame to frame, opening none, to the archive's end. Raises Damaged where it is cut off."""
        last = False
        while not last:
            length, code, _, _ = _HEAD.unpack(_exactly(self._file, _HEAD.size))
            if not 16 <= length <= LARGEST:
                raise Damaged("The archive was altered: a frame has no sensible length.")
            self._file.seek(length - 1, 1)
            _exactly(self._file, 1)
            last = chr(code) == "E"
        if self._file.read(1):
            raise Damaged("Something follows the archive's end.")


def _has_form(header: dict[str, Any]) -> bool:
    """Whether a header holds what every archive's does; an export's may come from anybody."""
    tenant, versions = header.get("tenant"), header.get("versions")
    names = ("id", "slug", "name", "settings") if header["format"] == 1 else ("id", "slug", "name")
    return (
        isinstance(tenant, dict)
        and all(isinstance(tenant.get(name), str) for name in names)
        and all(isinstance(header.get(name), str) for name in ("archive", "created_at", "public_key"))
        and isinstance(versions, list)
        and all(isinstance(version, int) for version in versions)
    )


def _bound(header: bytes, kind: str, owner: UUID, version: int) -> bytes:
    return header + kind.encode() + owner.bytes + version.to_bytes(4, "big")


def _open(cipher: AESGCM, number: int, last: bool, sealed: bytes, bound: bytes) -> bytes:
    try:
        packed = cipher.decrypt(struct.pack(">Q3xB", number, last), sealed, bound)
    except InvalidTag:
        raise Damaged(
            "The archive does not open: it was altered, or its keys are those of another installation."
        ) from None
    plain = zlib.decompressobj()
    try:
        found = plain.decompress(packed, LARGEST)
    except zlib.error:
        raise Damaged("A part of the archive is not what Onyx writes.") from None
    if plain.unconsumed_tail:
        raise Damaged("A frame is larger than any that Onyx writes.")
    return found


def _exactly(file: BinaryIO, size: int) -> bytes:
    if size > LARGEST:
        raise Damaged("The archive was altered: a part has no sensible length.")
    found = file.read(size)
    if len(found) != size:
        raise Damaged("The archive is cut off: its end is missing.")
    return found
