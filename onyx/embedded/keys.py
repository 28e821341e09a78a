"""Random passwords and keys of one installation, kept in `var/secrets.json` (mode 0600)."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from onyx.embedded.trouble import Trouble

MADE = {
    "superuser_password": lambda: secrets.token_urlsafe(24),
    "owner_password": lambda: secrets.token_urlsafe(24),
    "app_password": lambda: secrets.token_urlsafe(24),
    "redis_password": lambda: secrets.token_urlsafe(24),
    "ONYX_SECRET_KEY": lambda: secrets.token_hex(32),
    "ONYX_MASTER_KEY": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


def load(var: Path) -> dict[str, str]:
    """The secrets of `var`; missing ones are made and stored."""
    path = var / "secrets.json"
    known = read(path)
    missing = [name for name in MADE if name not in known]
    if missing:
        known |= {name: MADE[name]() for name in missing}
        store(path, known)
    return known


def read(path: Path) -> dict[str, str]:
    """The stored secrets, or nothing when there is no file yet."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except (PermissionError, ValueError) as error:
        raise Trouble(
            f"{path} cannot be read ({error}). It holds the keys to the data beside it: run as the user who made it, "
            "or restore the file from a backup. Do not delete it."
        ) from error


def store(path: Path, values: dict[str, str]) -> None:
    """Replace the file in one step, so that a crash leaves the old or the new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
