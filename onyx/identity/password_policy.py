"""Which passwords are too easily guessed, by rule instead of by list (I5, ASVS 5.0 V6.2).

What guessers try first is made from little: a common word, the person's own name, a row of keys, a year, a repetition.
All of that is taken out; what is left is the password's substance, and of that there must be enough.
"""

import re
from collections.abc import Collection

LEAST, MOST = 12, 256
SUBSTANCE = 8
TOO_LITTLE = (
    "This is too easy to guess: use several words that do not belong together, without your name or rows of keys."
)

_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop",
         "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "!@#$%^&*()")  # fmt: skip
_RUN = 4
# The words that stand for "let me in" in people's heads; their decorations are taken off by the rules.
_WORDS = ("password", "passwort", "passphrase", "secret", "welcome", "letmein", "admin", "administrator", "login", "signin",
          "changeme", "default", "master", "monkey", "dragon", "sunshine", "princess", "iloveyou", "football", "summer",
          "winter", "spring", "autumn", "monday", "friday", "company", "computer", "internet", "hello", "onyx", "guest",
          "user", "test", "qwerty", "root")  # fmt: skip
_LOOKS_LIKE = str.maketrans("@4$5!1|0378+", "aassiiioetbt")


def weakness(password: str, *about: str, least: int = LEAST, banned: Collection[str] = ()) -> str | None:
    """Why a password is refused, in words for the person; None for a good one. `about`: e-mail, names.

    `least` characters and `banned` words, in lower case, are the organisation's own.
    """
    if not least <= len(password) <= MOST:
        return f"Use {least} to {MOST} characters."
    lowered = password.lower()
    if any(word in lowered or word in lowered.translate(_LOOKS_LIKE) for word in banned):
        return "Leave out the words that your organisation does not allow in passwords, such as its own name."
    if any(lowered.strip() == each.strip().lower() for each in about if each):
        return "Use something else than your e-mail or name."
    if substance(lowered, _parts(about)) < SUBSTANCE:
        return TOO_LITTLE
    return None


def substance(lowered: str, own: list[str]) -> int:
    """How many characters are left of a password in lower case without what guessers know."""
    rest = _without_rows(_once(lowered))
    for reading in (rest, rest.translate(_LOOKS_LIKE)):
        left = reading
        for word in sorted((*_WORDS, *own), key=len, reverse=True):
            left = left.replace(word, "")
        left = re.sub(r"(19|20)\d\d", "", left)  # a year
        rest = min(rest, re.sub(r"(.)\1+", r"\1", left), key=len)
    return len(rest) if len(set(rest)) > 3 else 0


def _once(text: str) -> str:
    """A text that repeats one piece, reduced to that piece."""
    at = (text + text).find(text, 1)
    whole = text[:at] if at < len(text) else text
    found = re.fullmatch(r"(.{1,6}?)\1{2,}.{0,5}", whole)
    return found[1] if found else whole


def _without_rows(text: str) -> str:
    """The text with each run of four or more neighbours, forwards or backwards, reduced to its first character."""
    kept, at = [], 0
    while at < len(text):
        length = next((n for n in range(len(text) - at, _RUN - 1, -1) if _is_row(text[at : at + n])), 1)
        kept.append(text[at])
        at += length
    return "".join(kept)


def _is_row(piece: str) -> bool:
    return len(piece) <= 36 and any(piece in row or piece[::-1] in row for row in _ROWS)


def _parts(about: tuple[str, ...]) -> list[str]:
    """Words of e-mail and names that are long enough to matter."""
    return [part for each in about for part in re.split(r"[^\w]+|_", each.lower()) if len(part) >= 4]
