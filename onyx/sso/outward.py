"""Fetching what a tenant's administrator named, without being led into our own house (F26).

Names are resolved here, every address must be a public one, and the connection goes to that very address: a name that
answers differently the second time changes nothing. Redirects are not followed.
"""

import ipaddress
import json
import socket
import ssl
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from onyx.core.errors import Invalid, Unavailable
from onyx.edge.state import state

LARGEST = 1024 * 1024
_TIMEOUT = urllib3.Timeout(connect=4, read=6, total=8)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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


def is_public(address: str) -> bool:
    """Whether an address lies on the open internet, whatever it is wrapped in."""
    ip: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if hidden is None and ip in _NAT64:
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if hidden is not None and not is_public(str(hidden)):
            return False
    return ip.is_global and not ip.is_multicast


def _fetch(url: str, form: dict[str, str] | None, headers: dict[str, str]) -> bytes:
    parts = urlsplit(checked_url(url))
    host = parts.hostname or ""
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = _address(host, port)
        with _pool(parts.scheme, host, address, port) as pool:
            return _read(pool, parts, form, headers)
    except (OSError, UnicodeError, ValueError, urllib3.exceptions.HTTPError):
        raise Unavailable(f"The sign-in service at {host} cannot be reached.") from None


def _address(host: str, port: int) -> str:
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not state().settings.sso_private_issuers and not all(is_public(address) for address in found):
        raise Invalid(fields={"issuer": "This address does not lie on the open internet."})
    return found[0]


def _pool(scheme: str, host: str, address: str, port: int) -> urllib3.HTTPConnectionPool:
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=_TIMEOUT, retries=False)
    context = ssl.create_default_context()
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=_TIMEOUT, retries=False, ssl_context=context, server_hostname=host, assert_hostname=host
    )


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
