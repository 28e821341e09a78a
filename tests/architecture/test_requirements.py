"""docs/requirements.md tells the truth: every promise is listed, every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMISES = {"T": 12, "I": 10, "S": 7, "C": 11, "A": 11, "M": 5, "J": 4, "G": 6, "O": 5, "X": 8, "U": 6}
LINE = re.compile(r"^\| ([A-Z]\d+) \| .+? \| (done|core|not yet) \| (.*?) \| (.*?) \|$")


def _lines() -> list[tuple[str, str, str, str]]:
    text = (ROOT / "docs/requirements.md").read_text()
    return [match.groups() for match in map(LINE.match, text.splitlines()) if match]  # type: ignore[misc]


def test_every_promise_is_listed_once() -> None:
    wanted = [f"{letter}{number}" for letter, most in PROMISES.items() for number in range(1, most + 1)]
    assert [line[0] for line in _lines()] == wanted


def test_every_named_test_exists() -> None:
    missing = [
        f"{id}: {file}::{test}"
        for id, _, named, _ in _lines()
        for file, test in re.findall(r"`([^`:]+)::([^`]+)`", named)
        if not (ROOT / "tests" / file).exists() or f"def {test}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert missing == [], "mend docs/requirements.md: a test was renamed or removed"


def test_what_is_said_to_be_there_names_a_test_and_what_is_not_names_none() -> None:
    wrong = [id for id, state, named, _ in _lines() if (state == "not yet") == bool(named)]
    assert wrong == []
