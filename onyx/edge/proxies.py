"""Whose address a request has: the peer's, or what the trusted proxies before us say of it (S7, F23).

`TRUSTED_PROXIES` is how many there are. Each appends the address of its own peer to X-Forwarded-For, so the one that
the outermost of ours has seen stands that many places from the right; whatever stands further left was sent by the
client and is not looked at (RFC 7239, section 8.1). Outermost of all middleware, so that sockets obey it too.
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def install(app: Flask, trusted: int) -> None:
    """Have every request of the application, sockets included, carry its client's address."""
    inner: Any = app.wsgi_app
    if trusted:
        inner = ProxyFix(inner, x_for=0, x_proto=trusted, x_host=trusted)

    def with_address(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        peer = canonical(environ.get("REMOTE_ADDR", "")) or ""
        said = client_of(environ.get("HTTP_X_FORWARDED_FOR", ""), trusted) if trusted else None
        environ["REMOTE_ADDR"] = said or peer
        answer: Iterable[bytes] = inner(environ, start_response)
        return answer

    app.wsgi_app = with_address  # type: ignore[method-assign]


def client_of(forwarded: str, trusted: int) -> str | None:
    """The address that the outermost trusted proxy has seen; None where there are too few, or it is not an address."""
    hops = forwarded.split(",")
    return canonical(hops[-trusted]) if len(hops) >= trusted else None


def canonical(text: str) -> str | None:
    """One spelling for each address, without port, zone and the IPv4-mapped form of IPv6; None for anything else."""
    text = text.strip()[:64]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(found)


def neighbourhood(address: str) -> str:
    """What counts as one address in limits: an IPv4 address, or the /64 of IPv6 that one household has."""
    if ":" not in address:
        return address
    return ":".join(IPv6Address(address).exploded.split(":")[:4])
