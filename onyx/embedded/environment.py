"""The few environment variables that decide what is started; `NAME_FILE` may hold the value in a file."""

from __future__ import annotations

import os
from pathlib import Path

from onyx.embedded.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]

KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "TZDIR")


def value(name: str) -> str | None:
    """The value of NAME, or the content of the file that NAME_FILE names; None when neither is set."""
    if os.environ.get(name):
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise Trouble(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error


def choice(name: str) -> str:
    """`auto`, `system` or `wheel`, for EMBEDDED_PG and EMBEDDED_REDIS."""
    wanted = value(name) or "auto"
    if wanted not in ("auto", "system", "wheel"):
        raise Trouble(f"{name} is {wanted!r}; it must be auto, system or wheel.")
    return wanted


def number(name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`."""
    text = value(name)
    if text is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise Trouble(f"{name} is {text!r}; it must be a number from 1 to {most}.")
    return int(text)


def var_folder() -> Path:
    """ONYX_VAR, else `var` beside the code."""
    return Path(value("ONYX_VAR") or ROOT / "var").expanduser().absolute()


def clean() -> dict[str, str]:
    """An environment for the servers: no LANG, LC_* or PG* that could change what they do."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
