"""Protection of writes that a cookie authenticates (G3): a token bound to the login session, and the Origin."""

from uuid import UUID

from flask import request

from onyx.core.errors import Denied
from onyx.core.secrets import digest, same

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_token(session: UUID | None) -> str:
    """The token for one login session (OWASP CSRF Cheat Sheet, HMAC-based token pattern); empty when signed out."""
    return digest("csrf", session.hex).hex() if session else ""


def check_write(session: UUID) -> None:
    """Raise Denied unless this cookie-authenticated write comes from our own pages."""
    if request.method in SAFE:
        return
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token") or ""
    if not same(sent, csrf_token(session)):
        raise Denied("This form is out of date or was not sent from Onyx. Reload the page and try again.")
    check_origin()


def check_origin() -> None:
    """Raise Denied for a browser request that another site began."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        raise Denied("This request came from another site.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Denied("This request came from another site.")
