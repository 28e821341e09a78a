"""The site that passkeys are bound to, as the browser of this request knows it."""

from urllib.parse import urlsplit

from flask import request

from onyx.identity.passkeys import Site


def site() -> Site:
    """Host name and origin of the address bar; behind proxies as far as TRUSTED_PROXIES lets them say it."""
    origin = request.host_url.rstrip("/")
    return Site(urlsplit(origin).hostname or "", origin)
