"""docs/security.md tells the truth about ASVS 5.0, V7 and V8: every requirement once, every named test there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
}  # fmt: skip
LINE = re.compile(r"^\| V([78]\.\d\.\d) \| (.+?) \| (met|not met|not applicable) \| (.+) \|$")


def _lines() -> list[tuple[str, str, str, str]]:
    text = (ROOT / "docs/security.md").read_text()
    return [match.groups() for match in map(LINE.match, text.splitlines()) if match]  # type: ignore[misc]


def test_every_requirement_of_the_two_chapters_is_listed_once() -> None:
    wanted = [f"{section}.{number}" for section, most in SECTIONS.items() for number in range(1, most + 1)]
    assert [line[0] for line in _lines()] == wanted


def test_every_test_that_is_named_exists() -> None:
    missing = [
        f"V{id}: {file}::{test}"
        for id, _, _, shown in _lines()
        for file, test in re.findall(r"`([^`:]+\.py)::([^`]+)`", shown)
        if not (ROOT / "tests" / file).exists() or f"def {test}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert missing == [], "mend docs/security.md: a test was renamed or removed"


def test_what_is_met_names_a_test_and_what_is_not_says_why() -> None:
    assert [id for id, _, state, shown in _lines() if state == "met" and "::" not in shown] == []
    assert [id for id, _, state, shown in _lines() if state != "met" and len(re.sub(r"`[^`]*`", "", shown)) < 20] == []
