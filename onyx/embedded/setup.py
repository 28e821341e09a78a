"""Install what is missing: virtual environment, pinned packages, server programs, front-end files.

`python3 onyx/embedded/setup.py run|services|test` runs on the system's Python before anything is installed, so it
uses the standard library alone and asks for no other module of Onyx until the virtual environment is there.
A stamp beside each installed thing names what it was made from; nothing is done when it still fits.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
STEPS = {"run": ("assets",), "services": (), "test": ("dev", "servers", "assets")}
LAUNCHER = """#!/bin/sh
exec "$(dirname -- "$0")/python" -m flask "$@"
"""


def main(goal: str) -> int:
    """Do the steps of a goal; returns an exit status."""
    if sys.version_info < OLDEST:
        return fail(
            f"Onyx needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Try make PYTHON=python3.12"
        )
    with open(ROOT / "Makefile") as gate:  # one set-up at a time in a checkout; nothing is written to the file
        fcntl.flock(gate, fcntl.LOCK_EX)
        return set_up(goal)


def set_up(goal: str) -> int:
    """The steps in order; what is there already costs a look at its stamp."""
    began = time.monotonic()
    worked = make_venv() + install("requirements.txt", "packages")
    if "dev" in STEPS[goal]:
        worked += install("requirements-dev.txt", "packages for tests")
    install_fast_parser()
    write_launcher()
    for module, things in (("onyx.embedded", "servers"), ("onyx.embedded.assets", "assets")):
        if things in STEPS[goal]:
            run_module(module, *(["ensure"] if things == "servers" else []))
    if worked:
        say(f"Set up in {time.monotonic() - began:.0f} s.")
    return 0


def say(text: str) -> None:
    """Tell the person what is going on."""
    print(text, flush=True)


def fail(text: str) -> int:
    """Tell what to do, and the status for it."""
    print(f"\nSet-up cannot go on: {text}", file=sys.stderr)
    return 1


def make_venv() -> int:
    """Create .venv, or again when its Python is gone; returns how many things were done."""
    if runs(PYTHON) and (VENV / ".made").exists():
        return 0
    say("Creating the virtual environment .venv ...")
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if done.returncode:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        words = (done.stdout + done.stderr).strip()
        raise SystemExit(
            fail(f"{words[-600:]}\nOn Debian or Ubuntu: apt-get install python3-venv (or python{version}-venv)")
        )
    (VENV / ".made").touch()
    return 1


def runs(python: Path) -> bool:
    """Whether this interpreter starts and is new enough (it is a link that may lead nowhere)."""
    test = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([python, "-c", test], check=False).returncode == 0
    except OSError:
        return False


def install(name: str, what: str) -> int:
    """pip install a hash-pinned file, once per content."""
    if stamped(name):
        return 0
    say(f"Installing {what} ({name}), which takes up to a minute ...")
    if pip("--require-hashes", "-r", name):
        raise SystemExit(fail(f"pip could not install {name}; its words stand above. Is the package index reachable?"))
    stamp(name)
    return 1


def install_fast_parser() -> None:
    """gunicorn's C parser comes as source only: taken where a compiler is, done without elsewhere."""
    name = "config/requirements-speed.txt"
    if stamped(name):
        return
    if shutil.which("cc") or shutil.which("gcc"):
        pip("--require-hashes", "-r", name, quiet=True)
    stamp(name)


def write_launcher() -> None:
    """.venv/bin/flask as a script that finds its Python beside itself: pip's own breaks on quotes in the path."""
    path = VENV / "bin" / "flask"
    if not path.exists() or path.read_text() != LAUNCHER:
        path.write_text(LAUNCHER)
        path.chmod(0o755)


def pip(*words: str, quiet: bool = False) -> int:
    """Run pip in the virtual environment, by module: its script breaks when the path holds a blank."""
    command: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, check=False).returncode


def stamp_file(name: str) -> Path:
    """Where the stamp of a pinned file lies."""
    return VENV / f".installed-{Path(name).stem}"


def stamped(name: str) -> bool:
    """Whether this content of the file was installed before."""
    path = stamp_file(name)
    return path.exists() and path.read_text() == fingerprint(name)


def stamp(name: str) -> None:
    """Remember that this content is installed."""
    stamp_file(name).write_text(fingerprint(name))


def fingerprint(name: str) -> str:
    """Hash of a file of the checkout."""
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def run_module(module: str, *words: str) -> None:
    """Run one of our modules in the virtual environment; its failure ends set-up with its own advice."""
    environment = {name: value for name, value in os.environ.items() if value}
    done = subprocess.run([PYTHON, "-m", module, *words], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
