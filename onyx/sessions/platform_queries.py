"""Live sessions over all tenants: found in the control plane's list, believed when the tenant's own row says so (S4).

A page costs one look at the list and one visit to each tenant that has a line on it, whatever the number of tenants.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any
from uuid import UUID

from onyx.access.visiting import visiting
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import Cursor, cursor_of
from onyx.core.scope import current_scope
from onyx.core.secrets import email_digest
from onyx.tenancy.listing import tenants, tenants_of
from onyx.tenancy.live_sessions import listed, tidy

from . import console_queries
from .live_filter import COUNTED, Filter, Way, way

ROUNDS = 4
TENANTS = 100
_LIVES = "s.expires_at > now()"
_PERSON = "select id from app_user where email_digest = %s"


def live_sessions(
    actor: Actor, wanted: Filter, size: int, after: Cursor | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page, newest first, each with its tenant; lines that prove to be over are left out, and off the list."""
    shown: list[dict[str, Any]] = []
    sought = _everywhere(actor, wanted)
    for _ in range(ROUNDS):
        there = _way(sought, after)
        lines = listed(
            f"select s.*, t.slug, t.name from (select s.tenant_id, s.id, s.created_at {there.sql}"
            " order by s.created_at desc, s.id desc limit %s) s join tenant t on t.id = s.tenant_id"
            " order by s.created_at desc, s.id desc",
            *there.values,
            size - len(shown) + 1,
        )
        more = len(lines) > size - len(shown)
        lines = lines[: size - len(shown)]
        shown += _believed(actor, lines)
        if not more:
            return shown, None
        after = (lines[-1].created_at, lines[-1].id)
        if len(shown) == size:
            break
    return shown, cursor_of(lines[-1])


def count(actor: Actor, wanted: Filter) -> dict[str, Any]:
    """How many lines there are, up to 10,000."""
    there = _way(_everywhere(actor, wanted))
    found = listed(f"select count(*) from (select 1 {there.sql} limit {COUNTED + 1}) as found", *there.values)[0][0]
    return {"count": min(found, COUNTED), "more": found > COUNTED}


def where(ids: list[UUID]) -> dict[UUID, list[UUID]]:
    """The tenants of some sessions."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for row in listed("select tenant_id, id from live_session where id = any(%s)", ids):
        found[row.tenant_id].append(row.id)
    return found


def tenants_with(actor: Actor, wanted: Filter, after: UUID | None) -> tuple[list[UUID], UUID | None]:
    """The tenants where a filter finds anybody, up to a hundred by id, and after which one there are more."""
    there = _way(_everywhere(actor, wanted))
    statement = (
        f"select distinct s.tenant_id {there.sql} and (%s::uuid is null or s.tenant_id > %s) order by 1 limit %s"
    )
    found = [row.tenant_id for row in listed(statement, *there.values, after, after, TENANTS + 1)]
    return found[:TENANTS], found[TENANTS - 1] if len(found) > TENANTS else None


def inside(actor: Actor, wanted: Filter) -> Filter:
    """A filter over all tenants as it is asked in one of them."""
    return replace(_everywhere(actor, wanted), tenants=None)


def _everywhere(actor: Actor, wanted: Filter) -> Filter:
    """Text is a whole e-mail address, found by its digest, or a part of an organisation's name: the list holds no names."""
    if not wanted.text:
        return wanted
    if "@" in wanted.text:
        found = tuple(_people(actor, wanted.text))
        people = found if wanted.people is None else tuple(set(found) & set(wanted.people))
        return replace(wanted, text="", people=people)
    places = tenants(current_scope(), 2 * TENANTS, q=wanted.text)
    return replace(wanted, text="", tenants=tuple(place.id for place in places))


def _people(actor: Actor, email: str) -> list[UUID]:
    digest = email_digest(email)
    found = []
    for place in tenants_of(digest, None):
        with visiting(actor, place.id, place.slug, place.name) as (session, _):
            found += [row.id for row in rows(session, _PERSON, digest)]
    return found


def _way(wanted: Filter, after: Cursor | None = None) -> Way:
    return way(listed, "live_session", _LIVES, wanted, [], after)


def _believed(actor: Actor, lines: list[Any]) -> list[dict[str, Any]]:
    of: dict[UUID, list[Any]] = defaultdict(list)
    for line in lines:
        of[line.tenant_id].append(line)
    found: dict[UUID, dict[str, Any]] = {}
    for tenant, its in of.items():
        with visiting(actor, tenant, its[0].slug, its[0].name) as (session, visitor):
            alive, over = console_queries.some(session, visitor, [line.id for line in its])
        place = {"id": tenant, "slug": its[0].slug, "name": its[0].name}
        found |= {row["id"]: {**row, "tenant": place} for row in alive}
        if over:
            tidy(tenant, over)
    return [found[line.id] for line in lines if line.id in found]
