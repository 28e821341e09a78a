"""Replacing the master key of an installation that keeps it itself, in `var/secrets.json`."""

from __future__ import annotations

from pathlib import Path

from onyx.embedded import environment, keys, lock

CURRENT, PREVIOUS = "ONYX_MASTER_KEY", "ONYX_MASTER_KEY_PREVIOUS"


def make(var: Path) -> Path | None:
    """Put a new master key into the file and keep the present one as the previous; returns the file.

    None when the operator gives the key by the environment. Run again before a restart it changes nothing more.
    """
    path = var / "secrets.json"
    if environment.value(CURRENT) is not None:
        return None
    with lock.held(var / "embedded.lock"):
        known = keys.read(path)
        if CURRENT not in known:
            return None
        if PREVIOUS not in known:
            keys.store(path, known | {PREVIOUS: known[CURRENT], CURRENT: keys.MADE[CURRENT]()})
    return path


def forget_previous(var: Path) -> bool:
    """Remove the previous master key from the file; whether it was there."""
    path = var / "secrets.json"
    with lock.held(var / "embedded.lock"):
        known = keys.read(path)
        if PREVIOUS not in known:
            return False
        del known[PREVIOUS]
        keys.store(path, known)
    return True
