"""Compile config/*.in into hash-pinned files, with the reason for each direct dependency beside its pin.

Needs `uv`: `UV=/path/to/uv python config/compile_requirements.py [--upgrade]`.
The result names no package index, so that it works with whichever one pip is set up for.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).resolve().parent
ROOT = CONFIG.parent
FLAGS = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
QUIET = ["--quiet", "--no-emit-index-url", "--no-emit-find-links"]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", re.MULTILINE)


def canonical(name: str) -> str:
    """The form in which pip compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def reasons(source: Path) -> dict[str, str]:
    """Package name to the comment behind it."""
    found = {}
    for line in source.read_text().splitlines():
        match = re.match(r"([A-Za-z0-9_.-]+)[^#]*#\s*(.+)", line)
        if match:
            found[canonical(match[1])] = match[2]
    return found


def compile_one(source: Path, target: Path, constraint: Path | None, extra: list[str]) -> None:
    """Resolve one file and put the reasons above the pins."""
    command = [os.environ.get("UV", "uv"), "pip", "compile", *QUIET, *FLAGS, *extra, str(source), "-o", str(target)]
    if constraint:
        command += ["-c", str(constraint)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    why = reasons(source)
    header = f"# Made by config/compile_requirements.py from config/{source.name}: edit that file.\n"
    target.write_text(header + PIN.sub(lambda m: explained(m, why), target.read_text()))


def explained(match: re.Match[str], why: dict[str, str]) -> str:
    """A pin with its reason in the line before."""
    reason = why.get(canonical(match[1]))
    return f"# {reason}\n{match[0]}" if reason else match[0]


def main() -> None:
    """Compile every file; development pins follow those of production."""
    extra = sys.argv[1:]
    compile_one(CONFIG / "requirements.in", ROOT / "requirements.txt", None, extra)
    compile_one(CONFIG / "requirements-dev.in", ROOT / "requirements-dev.txt", ROOT / "requirements.txt", extra)
    for source in sorted(CONFIG.glob("requirements-*.in")):
        if source.name != "requirements-dev.in":
            compile_one(source, source.with_suffix(".txt"), None, ["--no-deps", *extra])


if __name__ == "__main__":
    main()
