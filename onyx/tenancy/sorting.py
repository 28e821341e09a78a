"""The list of tenants in other orders than that of their age, by keyset pages; for purpose `platform` alone.

No schema is visited: a page reads what was measured, for all tenants, of which there are thousands and not millions.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from onyx.core.errors import Invalid
from onyx.core.pages import cursor_of_key, parse_key_cursor
from onyx.core.scope import Scope

from .listing import Tenant
from .walls import control_plane

_COLUMNS = "t.id, t.slug, t.name, t.status, t.settings, t.created_at, t.suspended_at, t.archived_at"


class _Order(NamedTuple):
    """`key` is what is sorted by, of the SQL type `kind`; `read` makes one of a cursor's text."""

    key: str
    kind: str
    read: Callable[[str], Any]
    falls: bool = True
    joined: str = ""


ORDERS = {
    "active": _Order(
        "coalesce((select max(d.day) from tenant_day d where d.tenant_id = t.id and d.events > 0), date '2000-01-01')",
        "date", date.fromisoformat,
    ),
    "name": _Order('lower(t.name) collate "C"', "text", str, falls=False),
    "people": _Order(
        "coalesce(c.people, 0)", "bigint", int,
        joined="left join people_counts(array(select id from tenant)) c on c.tenant_id = t.id",
    ),
    "storage": _Order(
        "coalesce(s.database_bytes, -1)", "bigint", int, joined="left join tenant_size s on s.tenant_id = t.id"
    ),
}  # fmt: skip


def sorted_page(
    scope: Scope, by: str, size: int, after: str | None, q: str, status: str
) -> tuple[list[Tenant], str | None]:
    """A page of tenants in one of ORDERS, the most first, names from A to Z; Raises Invalid for any other order."""
    order = ORDERS.get(by)
    if order is None:
        raise Invalid(fields={"sort": f"Give one of {', '.join(ORDERS)}, or leave it out."})
    key, id = _read(order, after)
    values = (status, status, q, q, q, key, key, id, size + 1)
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(_statement(order), values).all()
    shown = found[:size]
    following = cursor_of_key(str(shown[-1].sort_key), shown[-1].id) if len(found) > size else None
    return [Tenant(*row[:-1]) for row in shown], following


def _statement(order: _Order) -> str:
    direction, beyond = ("desc", "<") if order.falls else ("asc", ">")
    return f"""
    with t as (select {_COLUMNS}, {order.key} as sort_key from tenant t {order.joined})
    select * from t
     where (%s = '' or status = %s)
       and (%s = '' or position(lower(%s) in slug) > 0 or position(lower(%s) in lower(name)) > 0)
       and (%s::{order.kind} is null or (sort_key, id) {beyond} (%s::{order.kind}, %s::uuid))
     order by sort_key {direction}, id {direction} limit %s
    """


def _read(order: _Order, after: str | None) -> tuple[Any, UUID | None]:
    found = parse_key_cursor(after)
    if found is None:
        return None, None
    try:
        key = order.read(found[0])
    except ValueError:
        key = None
    if key is None or (isinstance(key, int) and not -(2**63) <= key < 2**63):
        raise Invalid(fields={"after": "This is not a cursor of this list."})
    return key, found[1]
