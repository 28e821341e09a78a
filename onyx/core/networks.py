"""Addresses and networks: what lies where, and going out without being led into our own house (F26).

Names are resolved here, every address must be a public one, and the connection goes to that very address: a name that
answers differently the second time changes nothing. Redirects are for callers to refuse.
"""

import ipaddress
import socket
import ssl
from functools import lru_cache

import urllib3

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotPublic(Exception):
    """A name leads to an address that does not lie on the open internet."""


def is_inside(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; an IPv4 address may come wrapped as IPv6 (RFC 4291, 2.5.5.2)."""
    try:
        ip: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in _parsed(networks))


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


def pool_to(
    scheme: str, host: str, port: int | None, timeout: urllib3.Timeout, private: bool
) -> urllib3.HTTPConnectionPool:
    """Connections to the address that a host has now, TLS for its name; to be closed by the caller.

    Raises NotPublic, where `private` addresses are not allowed, and OSError for a name that leads nowhere.
    """
    port = port or (443 if scheme == "https" else 80)
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not private and not all(is_public(address) for address in found):
        raise NotPublic(host)
    if scheme == "http":
        return urllib3.HTTPConnectionPool(found[0], port, timeout=timeout, retries=False)
    context = ssl.create_default_context()
    return urllib3.HTTPSConnectionPool(
        found[0], port, timeout=timeout, retries=False, ssl_context=context, server_hostname=host, assert_hostname=host
    )


@lru_cache(maxsize=512)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one) for one in networks)
