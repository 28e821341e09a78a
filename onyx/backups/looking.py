"""An archive that came from outside, looked at before anything is made of it."""

from pathlib import Path
from typing import Any
from uuid import UUID

from onyx.core.aside import Lane

from .frames import Damaged, Reader
from .keyring import transfer_keys
from .load import fits, read_json, signed_by_header

# One archive after the other: opening a large one takes a processor for seconds.
LANE = Lane(width=1, line=4)
BUSY = "Other archives are being opened just now. Try again in a moment."


def looked_at(path: Path) -> dict[str, Any]:
    """The header of an export that is whole as far as can be seen without its passphrase.

    Raises Damaged for what is no archive, cut off, from a newer version, or no export.
    """
    with open(path, "rb") as file:
        reader = Reader(file)
        if "transfer" not in reader.header:
            raise Damaged(
                "This is a backup, which opens only where it was made. To move an organisation, make an export there."
            )
        _id(reader.header)
        fits(reader.header)
        reader.skip_through()
    return reader.header


def opened(path: Path, passphrase: str) -> None:
    """Open every frame and ask whether the manifest is signed; nothing is kept of them.

    Raises Damaged for a wrong passphrase (WrongPassphrase) and for whatever is not as it was written.
    """
    with open(path, "rb") as file:
        reader = Reader(file)
        keys = transfer_keys(reader.header, passphrase)
        for frame in reader.frames(keys):
            if frame.kind == "E":
                signed_by_header(read_json(frame.plain or b""), reader.header)


def _id(header: dict[str, Any]) -> None:
    try:
        UUID(header["archive"]), UUID(header["tenant"]["id"])
    except ValueError:
        raise Damaged("The archive's header was altered.") from None
