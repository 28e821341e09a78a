"""Excerpts around what was found: plain text with the found words between « and », never HTML."""

import re

LONGEST = 240
_WORD = re.compile(r"[^\W_]+")


def excerpt(text: str, words: list[str]) -> str:
    """About 240 characters around the first found word; each word that begins with one of `words` is marked."""
    flat = " ".join(text.replace("«", "‹").replace("»", "›").split())
    first = next((m.start() for m in _WORD.finditer(flat) if _is_found(m[0], words)), 0)
    begin = max(0, first - 60)
    begin = flat.rfind(" ", 0, begin) + 1 if begin else 0
    piece = flat[begin : begin + LONGEST]
    marked = _WORD.sub(lambda m: f"«{m[0]}»" if _is_found(m[0], words) else m[0], piece)
    return ("…" if begin else "") + marked + ("…" if begin + LONGEST < len(flat) else "")


def _is_found(word: str, words: list[str]) -> bool:
    return any(word.lower().startswith(one) for one in words)
