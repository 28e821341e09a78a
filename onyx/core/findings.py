"""What pydantic found wrong with what somebody sent, in words for whoever filled in the form."""

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "missing": "This is missing.",
    "extra_forbidden": "Onyx does not know this.",
    "int_type": "Give a whole number.",
    "int_parsing": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "float_type": "Give a number.",
    "float_parsing": "Give a number.",
    "bool_type": "Say true or false.",
    "bool_parsing": "Say true or false.",
    "string_type": "Give a text.",
    "list_type": "Give a list.",
    "greater_than_equal": "At least {ge}.",
    "greater_than": "More than {gt}.",
    "less_than_equal": "At most {le}.",
    "less_than": "Less than {lt}.",
    "too_long": "At most {max_length} of them.",
    "string_too_long": "At most {max_length} characters.",
    "uuid_parsing": "This is not an id.",
    "uuid_type": "This is not an id.",
}


def plain(finding: Mapping[str, Any]) -> str:
    """One finding as a sentence; what has none of its own is told as pydantic says it."""
    kind, about = finding["type"], finding.get("ctx") or {}
    if kind == "too_short":
        return "Choose at least one." if about["min_length"] == 1 else f"At least {about['min_length']} of them."
    if kind == "string_too_short":
        return "This is missing." if about["min_length"] == 1 else f"At least {about['min_length']} characters."
    if kind in _WORDS:
        return _WORDS[kind].format(**about)
    return str(finding["msg"]).removeprefix("Value error, ")
