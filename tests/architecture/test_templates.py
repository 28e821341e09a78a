"""Templates and scripts under the strict Content-Security-Policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_nothing_inline(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text), "move the script to static/js"
    assert not re.search(r"<style\b", text, re.I), "move the style to static/css"
    assert not re.search(r"\sstyle\s*=", text, re.I), "style attributes are refused by the policy: use a class"
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", text, re.I), "use addEventListener"
    assert "javascript:" not in text.lower()
    assert not re.search(r"(src|href)\s*=\s*[\"']https?://(?!tools\.ietf|www\.rfc)", text), (
        "nothing comes from other hosts"
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_escaping_is_never_switched_off(path):
    text = path.read_text()
    assert "autoescape false" not in text
    assert not re.search(r"\|\s*safe\b", text), "mark text as safe in Python, where it can be tested"


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_pages_ask_for_permissions_not_roles(path):
    assert not re.search(r"\brole\s*==|in\s+actor\.roles", path.read_text()), 'use can("permission")'


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_scripts_build_no_code_from_text(path):
    text = path.read_text()
    for word in (r"\beval\(", r"new Function\(", r"document\.write\(", r"\.on(click|error|load)\s*=\s*['\"]"):
        assert not re.search(word, text), f"{word} in {_name(path)}"


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_html_from_text_goes_through_the_purifier(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML)\b", line) and not re.search(
            r"=\s*(\"\"|''|``)", line
        ):
            assert "purify" in path.read_text().lower(), f"{_name(path)}:{number}: DOMPurify must stand between"
