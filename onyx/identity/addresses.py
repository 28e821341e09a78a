"""What is one e-mail address, written in one way, so that none looks like another one and none holds two (RFC 6531).

Compatible forms (wide letters, composed and not) are the same letter (NFKC). Invisible characters, and those with which
the header of a mail would name a second receiver (RFC 5322, section 3.4), are in no address.
"""

import unicodedata

_PARTS_A_HEADER = frozenset(',;:<>()[]"\\')
_UNSEEN = ("C", "Z")  # general categories: control, format, unassigned; blanks


def plain(text: str) -> str:
    """The one spelling under which an address, or a name to sign in with, is kept."""
    return unicodedata.normalize("NFKC", text.strip()).lower()


def is_seen(text: str) -> bool:
    """Whether every character of a text can be seen."""
    return not any(unicodedata.category(letter).startswith(_UNSEEN) for letter in text)


def is_address(text: str, labels: int = 2) -> bool:
    """Whether a text is exactly one e-mail address, as plain() spells it, with a domain of so many labels or more."""
    name, at, domain = text.partition("@")
    if not name or not at or len(text) > 254 or not is_seen(text) or _PARTS_A_HEADER & set(text):
        return False
    parts = domain.split(".")
    return len(parts) >= labels and all(parts) and _is_its_own_domain(domain)


def _is_its_own_domain(domain: str) -> bool:
    """Whether a domain is what the wire makes of it (RFC 3490): some letters stand for others there."""
    try:
        return "@" not in domain and (domain.isascii() or domain.encode("idna").decode("idna") == domain)
    except UnicodeError:
        return False
