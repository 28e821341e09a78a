"""Fetching what a tenant's administrator named, without being led into our own house (see onyx.core.networks)."""

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from onyx.core.errors import Invalid, Unavailable
from onyx.core.networks import NotPublic, pool_to
from onyx.edge.state import state

LARGEST = 1024 * 1024
_TIMEOUT = urllib3.Timeout(connect=4, read=6, total=8)


def fetch_json(url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON object behind a URL, by GET, or by POST of a form.

    Raises Invalid for a URL that may not be asked, Unavailable when there is no proper answer.
    """
    try:
        found = json.loads(_fetch(url, form, headers or {}))
    except (ValueError, RecursionError):
        raise Unavailable("The sign-in service gave an answer that is not JSON.") from None
    if not isinstance(found, dict):
        raise Unavailable("The sign-in service gave an answer that is no JSON object.")
    return found


def checked_url(url: str) -> str:
    """The URL, when its form allows asking it. Raises Invalid."""
    parts = urlsplit(url)
    allowed = ("https", "http") if state().settings.sso_private_issuers else ("https",)
    if parts.scheme not in allowed or not parts.hostname or parts.username or parts.fragment or len(url) > 500:
        raise Invalid(fields={"issuer": "Give an address that begins with https://."})
    return url


def _fetch(url: str, form: dict[str, str] | None, headers: dict[str, str]) -> bytes:
    parts = urlsplit(checked_url(url))
    host = parts.hostname or ""
    private = state().settings.sso_private_issuers
    try:
        with pool_to(parts.scheme, host, parts.port, _TIMEOUT, private) as pool:
            return _read(pool, parts, form, headers)
    except NotPublic:
        raise Invalid(fields={"issuer": "This address does not lie on the open internet."}) from None
    except (OSError, UnicodeError, ValueError, urllib3.exceptions.HTTPError):
        raise Unavailable(f"The sign-in service at {host} cannot be reached.") from None


def _read(pool: urllib3.HTTPConnectionPool, parts: Any, form: dict[str, str] | None, headers: dict[str, str]) -> bytes:
    sent = {"Host": parts.netloc, "Accept": "application/json", "User-Agent": "Onyx", **headers}
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    answer = pool.urlopen(
        "GET" if form is None else "POST",
        path,
        body=None if form is None else urlencode(form),
        headers=sent,
        redirect=False,
        preload_content=False,
    )
    try:
        body = answer.read(LARGEST + 1)
    finally:
        answer.release_conn()
    if answer.status != 200 or len(body) > LARGEST:
        raise Unavailable(f"The sign-in service answered {answer.status}.")
    return body
