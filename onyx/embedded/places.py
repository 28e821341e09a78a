"""Where the servers of one data folder keep their files.

Normally everything lies in `var`. Where the servers' user cannot reach it (root with a checkout under a closed
home), they get a private folder under /var/lib, whose name is remembered in `var/data-folder`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from onyx.embedded import account as accounts
from onyx.embedded.account import Account
from onyx.embedded.trouble import Trouble

NOTE = "data-folder"  # in `var`: where its data are, if not there
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET = 103  # macOS; Linux allows 107


@dataclass(frozen=True)
class Places:
    """Paths of one installation and the account that owns the data."""

    var: Path
    base: Path
    account: Account

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.base / "postgres"

    @property
    def redis(self) -> Path:
        """Redis' working directory: configuration, append-only file, log."""
        return self.base / "redis"

    @property
    def logs(self) -> Path:
        """Folder of PostgreSQL's log, written by its own account."""
        return self.base / "log"

    @property
    def sockets(self) -> Path:
        """Folder of PostgreSQL's socket; short, since a socket's path may not be long."""
        near = self.base / "run"
        if len(os.fsencode(near / SOCKET_NAME)) <= LONGEST_SOCKET and not awkward(near):
            return near
        return Path(tempfile.gettempdir()) / f"onyx-{self.account.uid}-{digest(self.base)}"

    @property
    def binaries(self) -> Path:
        """Where server programs are copied when they cannot be run from their own place."""
        if fits_a_shell(self.base):
            return self.base / "programs"
        return Path(tempfile.gettempdir()) / f"onyx-{self.account.uid}-{digest(self.base)}-programs"


def awkward(path: Path) -> bool:
    """Whether PostgreSQL would split the path: commas and quotes separate folders in its setting."""
    return any(mark in str(path) for mark in ",\"'")


def fits_a_shell(path: Path) -> bool:
    """Whether initdb can run a program of this folder: it puts the path between double quotes for a shell."""
    return not any(mark in str(path) for mark in '"$`\\\n')


def digest(path: Path) -> str:
    """Twelve hex digits that stand for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def of(var: Path) -> Places:
    """The places of `var`, which is made when it is missing; decides where data go, if that is open. May fork."""
    where = as_decided(var)
    if where.base == var and not where.account.can(lambda: os.access(var, os.X_OK)):
        where = replace(where, base=private_folder(var))
        (var / NOTE).write_text(f"{where.base}\n")
    return where


def as_decided(var: Path) -> Places:
    """The places of `var` as whoever started the servers decided.

    Nothing forks here, since serving processes ask too: under gevent a forked child's end is missed once in a while, and
    whoever waits for it waits for ever.
    """
    make_var(var)
    note = var / NOTE
    base = Path(note.read_text().strip()) if note.exists() else var
    return Places(var, base, accounts.of(base / "postgres"))


def make_var(var: Path) -> None:
    """Create the data folder, or say why it cannot be used."""
    try:
        var.mkdir(parents=True, exist_ok=True, mode=0o711)
        usable = os.access(var, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise Trouble(
            f"The data folder {var} cannot be written by this user. Run as the user who made it, "
            "or give another folder: make run ONYX_VAR=/some/folder"
        )


def private_folder(var: Path) -> Path:
    """A folder under /var/lib that every user may traverse."""
    folder = Path("/var/lib") / f"onyx-{digest(var.resolve())}"
    make_own_folder(folder)
    return folder


def make_own_folder(folder: Path) -> None:
    """A folder of this process' user that others may pass through; refused when someone else made it."""
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise Trouble(f"{folder} belongs to someone else. Remove it and start again, or set another ONYX_VAR.")


def make_folder(path: Path, account: Account) -> None:
    """A folder of the account alone; refused when someone else's is in its place."""
    try:
        path.mkdir(mode=0o700)
        account.give(path)
    except FileExistsError:
        owner = path.lstat().st_uid
        if path.is_symlink() or owner not in (account.uid, os.geteuid()):
            raise Trouble(f"{path} belongs to someone else (user {owner}). Remove it and start again.") from None
