"""What a browser carries to the provider and back, sealed in a cookie: it binds the answer to the one who asked."""

import base64
import binascii
import json
import os
import time
from dataclasses import asdict, dataclass
from uuid import UUID

from onyx.core.ids import parse_id
from onyx.core.sealing import seal, unseal

COOKIE = "onyx_sso"
LIFETIME = 600


@dataclass(frozen=True, slots=True)
class Ticket:
    """One try at signing in; `link` is the login session that wants to be connected, for that is what is wanted then."""

    slug: str
    state: str
    nonce: str
    verifier: str
    until: int
    next: str = ""
    link: str = ""

    @property
    def links(self) -> UUID | None:
        return parse_id(self.link)


def new(slug: str, next: str = "", link: UUID | None = None) -> Ticket:
    until = int(time.time()) + LIFETIME
    return Ticket(slug, _random(), _random(), _random(), until, next, link.hex if link else "")


def wrap(ticket: Ticket) -> str:
    """The cookie's value; nobody but Onyx reads or makes one."""
    sealed = seal("sso-ticket", json.dumps(asdict(ticket)).encode(), ticket.slug.encode())
    return f"{ticket.slug}.{base64.urlsafe_b64encode(sealed).decode()}"


def unwrap(value: str, slug: str) -> Ticket | None:
    """The ticket for this organisation, while it lasts; None for anything else."""
    said, _, text = value.partition(".")
    try:
        found = Ticket(**json.loads(unseal("sso-ticket", base64.urlsafe_b64decode(text), slug.encode())))
    except (ValueError, TypeError, binascii.Error):
        return None
    return found if said == slug == found.slug and found.until > time.time() else None


def _random() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
