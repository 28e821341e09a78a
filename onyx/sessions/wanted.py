"""From what administrators type to a filter of live sessions."""

from uuid import UUID

from flask import request

from onyx.core.errors import Invalid
from onyx.core.ids import parse_id
from onyx.edge.http import query_int
from onyx.identity.device import devices_like

from .console_forms import AT_ONCE, Matching
from .live_filter import Filter, network_of

LONGEST = 999_999_999


def from_query() -> Filter:
    """The filter of the query string; an unknown person matches nobody. Raises Invalid."""
    user = request.args.get("user_id") or request.args.get("user") or ""
    device = request.args.get("device", "")[:80].strip()
    return Filter(
        people=(parse_id(user) or UUID(int=0),) if user else None,
        network=network_of(request.args.get("ip", "")[:60]),
        devices=tuple(devices_like(device)) if device else None,
        older=query_int("older_than", 0, 0, LONGEST),
        younger=query_int("younger_than", 0, 0, LONGEST),
        text=_storable(request.args.get("q", "")),
        ids=_ids(request.args.get("ids", "")),
    )


def from_body(wanted: Matching) -> Filter:
    """The same of a body. Raises Invalid."""
    device = wanted.device.strip()
    return Filter(
        people=(wanted.user_id,) if wanted.user_id else None,
        network=network_of(wanted.ip),
        devices=tuple(devices_like(device)) if device else None,
        older=wanted.older_than,
        younger=wanted.younger_than,
        text=wanted.q.strip(),
    )


def _ids(text: str) -> tuple[UUID, ...] | None:
    if not text:
        return None
    found = [parse_id(part) for part in text.split(",", AT_ONCE)][:AT_ONCE]
    if not all(found):
        raise Invalid(fields={"ids": f"Give up to {AT_ONCE} ids, with commas between them."})
    return tuple(id for id in found if id)


def _storable(text: str) -> str:
    return text[:200].replace("\0", "").strip()
