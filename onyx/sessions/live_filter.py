"""Which live sessions somebody looks for, and how PostgreSQL finds them fast whatever they look for.

The same rows are looked for in a tenant's login_session and in the control plane's live_session, by the same columns:
id, user_id, created_at, address, device. There are no statistics of them (they would tell of others), so the way is
chosen here: a part of the filter that fits few rows is followed by its own index, everything else goes by time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple
from uuid import UUID

from onyx.core.errors import Invalid
from onyx.core.pages import Cursor

FEW = 2000
COUNTED = 10_000
Ask = Callable[..., list[Any]]


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; None and 0 do not count. `older` and `younger` are seconds since the sign-in, `text` is
    what somebody typed of a name or e-mail, which each place looks up in its own way.
    """

    people: tuple[UUID, ...] | None = None
    network: IPv4Network | IPv6Network | None = None
    devices: tuple[str, ...] | None = None
    older: int = 0
    younger: int = 0
    text: str = ""
    ids: tuple[UUID, ...] | None = None
    tenants: tuple[UUID, ...] | None = None

    def named(self) -> list[str]:
        """The parts that count: for the trail, which must not hold what people are called and where they sit."""
        parts = ("people", "network", "devices", "older", "younger", "text", "ids", "tenants")
        return [name for name in parts if getattr(self, name)]


class Part(NamedTuple):
    """One condition with its values, on the row `s`."""

    sql: str
    values: tuple[Any, ...]


class Way(NamedTuple):
    """A FROM clause with its conditions, for rows `s`."""

    sql: str
    values: list[Any]


def way(ask: Ask, table: str, alive: str, wanted: Filter, more: list[Part], after: Cursor | None = None) -> Way:
    """How to find them: `ask` runs a statement, `alive` tells a live row, `more` are conditions without an index."""
    indexed, plain = _indexed(wanted), _by_time(wanted) + more
    if after is not None:
        plain.append(Part("(s.created_at, s.id) < (%s, %s)", after))
    sizes = [(_size(ask, table, alive, part), part) for part in indexed]
    few = min((size for size in sizes if size[0] <= FEW), default=None, key=lambda size: size[0])
    if few is None:
        plain += map(_by_looking, indexed)
        return Way(f"from {table} s where {_all(alive, plain)}", _values(plain))
    driver = few[1]
    plain += [part for part in indexed if part is not driver]
    found = f"(select s.* from {table} s where {alive} and {driver.sql} limit {FEW + 1} offset 0)"
    return Way(f"from {found} s where {_all('true', plain)}", [*driver.values, *_values(plain)])


def _by_looking(part: Part) -> Part:
    """The condition so that no index serves it and half of all rows are expected to fit: PostgreSQL then goes by time
    until it has enough. Its own guess, one row of two hundred, would make it read and sort them all.
    """
    return Part(f"case when {part.sql} then true else false end", part.values)


def network_of(text: str) -> IPv4Network | IPv6Network | None:
    """An address, a network in CIDR form, or how an IPv4 address begins (`192.168.`). Raises Invalid."""
    wanted = text.strip()
    if not wanted:
        return None
    parts = wanted.rstrip(".").split(".")
    if 1 <= len(parts) < 4 and all(part.isascii() and part.isdigit() for part in parts) and "/" not in wanted:
        wanted = ".".join(parts + ["0"] * (4 - len(parts))) + f"/{8 * len(parts)}"
    try:
        return ip_network(wanted, strict=False)
    except ValueError:
        raise Invalid(fields={"ip": "Give an address, or a network like 10.1.0.0/16."}) from None


def _indexed(wanted: Filter) -> list[Part]:
    parts = []
    if wanted.ids is not None:
        parts.append(Part("s.id = any(%s)", (list(wanted.ids),)))
    if wanted.people is not None:
        parts.append(Part("s.user_id = any(%s)", (list(wanted.people),)))
    if wanted.network is not None:
        bounds = (str(wanted.network.network_address), str(wanted.network.broadcast_address))
        parts.append(Part("s.address >= %s::inet and s.address <= %s::inet", bounds))
    if wanted.devices is not None:
        parts.append(Part("s.device = any(%s)", (list(wanted.devices),)))
    if wanted.tenants is not None:
        parts.append(Part("s.tenant_id = any(%s)", (list(wanted.tenants),)))
    return parts


def _by_time(wanted: Filter) -> list[Part]:
    parts = []
    if wanted.older:
        parts.append(Part("s.created_at < now() - %s * interval '1 second'", (wanted.older,)))
    if wanted.younger:
        parts.append(Part("s.created_at > now() - %s * interval '1 second'", (wanted.younger,)))
    return parts


def _size(ask: Ask, table: str, alive: str, part: Part) -> int:
    found = ask(
        f"select count(*) from (select 1 from {table} s where {alive} and {part.sql} limit {FEW + 1}) as found",
        *part.values,
    )
    return int(found[0][0])


def _all(first: str, parts: list[Part]) -> str:
    return " and ".join([first, *(part.sql for part in parts)])


def _values(parts: list[Part]) -> list[Any]:
    return [value for part in parts for value in part.values]
