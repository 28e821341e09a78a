"""What an upload must be: a named text file in UTF-8, not empty, without NUL."""

import re
import unicodedata
from pathlib import PurePosixPath

from onyx.core.errors import Invalid

KINDS = {
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
    ".log": "text/plain",
}
LONGEST_NAME = 200
_UNSAFE = re.compile(r'[<>:"|?*\\/\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]')


def clean_name(name: str | None) -> str:
    """The last part of a path, without characters that mean something to a system. Raises Invalid for none."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    last = unicodedata.normalize("NFC", last.encode("utf-8", "ignore").decode())
    clean = " ".join(_UNSAFE.sub("", last).split()).strip(". ")
    stem, kind = PurePosixPath(clean).stem, PurePosixPath(clean).suffix
    if not stem or stem.startswith(".") or not clean:
        raise Invalid(fields={"file": "The file needs a name."})
    return stem[: LONGEST_NAME - len(kind)] + kind


def media_type(name: str) -> str:
    """The media type by the name's ending. Raises Invalid for what is not one of the text kinds."""
    found = KINDS.get(PurePosixPath(name).suffix.lower())
    if found is None:
        raise Invalid(fields={"file": f"Only text files can be added: {', '.join(KINDS)}."})
    return found


def text_of(raw: bytes) -> str:
    """The text of an upload, without a byte order mark. Raises Invalid for what is not text in UTF-8."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(fields={"file": "The file is not text in UTF-8."}) from None
    if "\x00" in text:
        raise Invalid(fields={"file": "The file holds NUL characters: it is not text."})
    if not text.strip():
        raise Invalid(fields={"file": "The file is empty."})
    return text
