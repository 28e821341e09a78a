"""Each trap that others fell into has a test that carries its id: `test_f27_…`, or a docstring that begins with "F27"."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TRAPS = {f"F{number}" for number in (5, 7, *range(13, 31), 32, 33)}


def carried() -> dict[str, list[str]]:
    """The traps and the tests that carry them."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                told = re.match(r"F\d+(?:, F\d+)*\b", ast.get_docstring(node) or "")
                ids = set(re.findall(r"F\d+", told.group(0))) if told else set()
                for id in ids | {f"F{number}" for number in re.findall(r"_f(\d+)_", node.name)}:
                    found.setdefault(id, []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


def test_every_trap_has_its_test():
    missing = sorted(TRAPS - carried().keys(), key=lambda id: int(id[1:]))
    assert missing == [], f"write a test whose docstring begins with the id, or name it test_f5_…: {missing}"
