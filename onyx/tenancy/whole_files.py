"""Files that are there as a whole or not at all: written under another name, on the disk before they get their own."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .steward import Refused

PART = ".part"


class Counted:
    """A file that is being written, with its size and SHA-256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()


@contextmanager
def placed(path: Path, sync: Callable[[int], object] = os.fsync) -> Iterator[Counted]:
    """Write a file under a name that nobody looks for, have it on the disk, then give it its own name; mode 0600.

    Raises Refused, with what to do, when the disk is full; what was written is gone then.
    """
    part = path.with_name(path.name + PART)
    try:
        _make(path.parent)
        drop(part)  # what a killed run left; whoever puts something else there meanwhile is refused, not followed
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb", buffering=1 << 20) as file:
            counted = Counted(file)
            yield counted
            file.flush()
            sync(file.fileno())
        os.rename(part, path)
        _sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            drop(part)
        raise Refused(_told(error, path)) from error
    except BaseException:  # an interruption as well: nothing half-written stays, and whoever called hears of it
        drop(part)
        raise


def remove(path: Path) -> None:
    """Remove a file and have the disk know."""
    drop(path)
    _sync(path.parent)


def drop(path: Path) -> None:
    """Remove a file, if it is there."""
    path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make a folder with those above it, each on the disk before anything lies in it."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)


def _told(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk of {path.parent} is full: nothing was kept. Make room, then do it again."
    return f"{path.parent} cannot be written: {error.strerror}."


def _sync(folder: Path) -> None:
    if not folder.exists():
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
