"""Short names of organisations: their form, those kept for Onyx, and when two look alike."""

import re

from onyx.core.errors import Invalid

FORM = r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$"
RESERVED = frozenset({"admin", "api", "audit", "login", "onyx", "platform", "static", "support", "system", "www"})
_FORM = re.compile(FORM[:-1] + r"\Z")


def skeleton(slug: str) -> str:
    """What is left when all that the eye takes for the same is the same: `acme`, `ac-me`, `acrne` and `a-cme` are one.

    onyx.slug_skeleton() in migrations/platform/0011 is its twin, which a unique index asks.
    """
    plain = slug.replace("-", "").replace("0", "o").replace("1", "l")
    return plain.replace("rn", "m").replace("vv", "w").replace("cl", "d")


def checked_slug(slug: str) -> str:
    """The slug. Raises Invalid for one that is malformed, kept for Onyx, or looks like one that is."""
    if not _FORM.match(slug):
        raise Invalid(fields={"slug": "Use 3 to 40 small letters, digits and hyphens, a letter first, no hyphen last."})
    if slug in RESERVED or skeleton(slug) in {skeleton(kept) for kept in RESERVED}:
        raise Invalid(fields={"slug": "This name, or one that looks like it, is kept for Onyx itself."})
    return slug
