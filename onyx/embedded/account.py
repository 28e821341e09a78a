"""Which operating-system user the servers run as.

PostgreSQL refuses to run as root, so under root both servers run as `postgres`, else `nobody`. Where root
may not change its user (some containers), they run in a user namespace in which it is not root.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from onyx.embedded import environment
from onyx.embedded.trouble import Trouble

CLONE_NEWUSER = 0x10000000


@dataclass(frozen=True)
class Account:
    """The user of the servers."""

    uid: int
    gid: int
    name: str

    @property
    def switch(self) -> str:
        """How a child becomes this user: `none`, by `setuid`, or by `namespace`; the first time a fork finds out."""
        return "none" if self.uid == os.geteuid() else how_to_switch(self.uid, self.gid)

    def options(self) -> dict[str, Any]:
        """Arguments for subprocess that make the child this user."""
        if self.switch == "setuid":
            return {"user": self.uid, "group": self.gid, "extra_groups": []}
        if self.switch == "namespace":
            return {"preexec_fn": lambda: enter_namespace(self.uid, self.gid)}
        return {}

    def give(self, path: Path) -> None:
        """Make a file or folder this user's; a no-op unless the user changes."""
        if self.switch == "setuid":
            os.chown(path, self.uid, self.gid)

    def can(self, test: Callable[[], bool]) -> bool:
        """Whether `test` is true for this user, asked in a forked child."""
        if self.switch != "setuid":
            return test()
        child = os.fork()
        if child == 0:
            os._exit(ask_as(self.uid, self.gid, test))
        return os.waitpid(child, 0)[1] == 0

    def run(self, *command: str, cwd: Path, timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Run a short command as this user; output is read back from a file, since servers keep pipes open."""
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment.clean(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=timeout,
            **self.options(),
        )


def ask_as(uid: int, gid: int, test: Callable[[], bool]) -> int:
    """Exit status of the forked child: 0 for yes. Never returns into the caller's stack."""
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        return 0 if test() else 1
    except Exception:
        return 1


def of(owner_hint: Path) -> Account:
    """The account for data at `owner_hint`: the owner of existing data, else the default one."""
    if os.geteuid():
        return Account(os.geteuid(), os.getegid(), str(os.geteuid()))
    if owner_hint.exists() and owner_hint.stat().st_uid:
        entry = owner_hint.stat()
        return Account(entry.st_uid, entry.st_gid, str(entry.st_uid))
    entry_ = server_user()
    return Account(entry_.pw_uid, entry_.pw_gid, entry_.pw_name)


def server_user() -> pwd.struct_passwd:
    """EMBEDDED_USER, else postgres, else nobody."""
    for name in filter(None, (environment.value("EMBEDDED_USER"), "postgres", "nobody")):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Trouble("PostgreSQL does not run as root, and there is no user postgres or nobody. Run as an ordinary user.")


@cache
def how_to_switch(uid: int, gid: int) -> str:
    """`setuid` where root may do it, else `namespace`."""
    child = os.fork()
    if child == 0:
        os._exit(ask_as(uid, gid, lambda: True))
    return "setuid" if os.waitpid(child, 0)[1] == 0 else "namespace"


def enter_namespace(uid: int, gid: int) -> None:
    """In a child before exec: a user namespace in which root carries another number."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{gid} 0 1")
