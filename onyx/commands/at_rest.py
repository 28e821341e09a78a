"""For `flask doctor`: whether what lies on this machine's disks, and what goes over the wire, is encrypted (G4).

Nothing here is a promise of Onyx: the operator decides about disks and certificates. What cannot be seen is said.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.settings import Settings
from onyx.core.db import db

_HERE = ("", "localhost", "127.0.0.1", "::1")


def lines(settings: Settings) -> list[tuple[str, str]]:
    """What and what is to be said about it, for disk, PostgreSQL and Redis."""
    return [
        ("disk", _disk(settings.onyx_var)),
        ("PostgreSQL's wire", _postgres()),
        ("Redis' wire", _redis(settings.redis_url)),
    ]


def encrypted(folder: Path, blocks: Path = Path("/sys/dev/block")) -> bool | None:
    """Whether a folder lies on a device-mapper crypt device, or on one that does; None where that cannot be seen."""
    number = folder.stat().st_dev
    device = blocks / f"{os.major(number)}:{os.minor(number)}"
    return _crypt(device) if device.exists() else None


def _crypt(device: Path) -> bool:
    uuid = device / "dm" / "uuid"
    if uuid.exists() and uuid.read_text().startswith("CRYPT-"):
        return True
    below = [*(device / "slaves").iterdir()] if (device / "slaves").exists() else []
    if not below and (device / "partition").exists():
        below = [device.resolve().parent]
    return bool(below) and all(_crypt(one) for one in below)


def _disk(folder: Path) -> str:
    found = encrypted(folder)
    if found is None:
        return f"{folder}: cannot be seen from here whether it is encrypted (a container, a network disk?)"
    advice = (
        "not encrypted by this machine: messages and search entries lie there in the clear (docs/operations/keys.md)"
    )
    return f"{folder}: encrypted (dm-crypt)" if found else f"{folder}: {advice}"


def _postgres() -> str:
    """By libpq's own word: pg_stat_ssl is kept from the application's role."""
    with db.engine.connect() as connection:
        wire: Any = connection.connection.dbapi_connection
        by_socket, tls = wire.info.host.startswith("/"), wire.pgconn.ssl_in_use
    if by_socket:
        return "a socket of this machine"
    return "encrypted (TLS)" if tls else "not encrypted: add sslmode=verify-full to DATABASE_URL"


def _redis(url: str) -> str:
    found = urlsplit(url)
    if found.scheme == "rediss":
        return "encrypted (TLS)"
    here = found.scheme == "unix" or (found.hostname or "") in _HERE
    return "this machine" if here else "not encrypted: use a rediss:// address"
