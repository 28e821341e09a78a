"""Canonical JSON (RFC 8785), so that whoever signs and whoever checks have the same bytes before them.

Numbers with a fraction are refused: the documents of Onyx hold none, and their form is where implementations differ.
"""

import json
from typing import Any

_LARGEST = 2**53 - 1


def canonical(value: Any) -> bytes:
    """Sorted names, no blanks, UTF-8 (RFC 8785, section 3.2).

    Raises ValueError for what has no canonical form here: fractions, whole numbers beyond 2⁵³ − 1, half a surrogate
    pair, and TypeError for what is not JSON at all.
    """
    text = json.dumps(_checked(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _checked(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError(f"{value} is too large for JSON: write it as a string")
        return value
    if isinstance(value, float):
        raise ValueError("a fraction has no place in a signed document: write it as a string")
    if isinstance(value, (list, tuple)):
        return [_checked(one) for one in value]
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("names in JSON are strings")
        return {name: _checked(value[name]) for name in sorted(value, key=_utf16)}
    raise TypeError(f"{type(value).__name__} is not JSON: write it as a string")


def _utf16(name: str) -> bytes:
    """Names sort by their UTF-16 code units (section 3.2.3); big-endian bytes sort alike."""
    return name.encode("utf-16-be")
