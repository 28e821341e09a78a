"""Reading the logs: newest first by keyset, only the partitions and rows that are asked for (A7).

Statements are built from fixed parts; every value is a parameter. A search that would take longer than SLOWEST is
given up with advice, so that no filter can keep a backend busy.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from onyx.audit.sentences import actions_that_say
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Invalid
from onyx.core.ids import parse_id
from onyx.core.pages import Cursor, cursor_after, cut

from .forms import AccessFilter, EventFilter

SLOWEST = "4s"
_CANCELLED = "57014"
_EVENT = (
    "select recorded_at, event_id, occurred_at, action, actor_id, actor, on_behalf_of, session_id, purpose, request,"
    " targets, outcome, reason, changes, details from audit_event"
)
_ACCESS = (
    "select occurred_at, id, user_id, session_id, kind, method, route, object, status, duration_us, ip, user_agent,"
    " request_id from access_entry"
)
_TEXT = (
    "(action = any(%s) or concat_ws(' ', action, actor->>'name', actor->>'display', reason, targets::text, request->>'route',"
    " request->>'id') ilike %s)"
)
# Auditors may not read the list of people; who somebody is stands in the newest event of theirs.
_PEOPLE = """
select i.id, e.actor->>'display' as shown from unnest(%s::uuid[]) as i(id)
 cross join lateral (select actor from audit_event where actor_id = i.id order by recorded_at desc limit 1) e
"""

Where = list[tuple[str, tuple[Any, ...]]]


def events(
    session: Session, chosen: EventFilter, actor_id: UUID | None, size: int, after: Cursor | None
) -> tuple[list[Any], str | None]:
    """A page of events, newest first, and the cursor of the next; `actor_id` is whom `chosen.actor` means, if known."""
    where = _event_conditions(chosen, actor_id) + _before("recorded_at", "event_id", after)
    found = _read(session, _EVENT, where, "recorded_at desc, event_id desc", size + 1)
    return cut(found, size, lambda row: cursor_after(row.recorded_at, row.event_id))


def event(session: Session, _actor: Actor, event_id: UUID) -> Any | None:
    """One event (a loader). Its id holds its time (UUIDv7), which finds the partition: RFC 9562, section 5.7."""
    made = "to_timestamp(%s)"
    near: Where = [
        ("event_id = %s", (event_id,)),
        (f"recorded_at between {made} - interval '1 day' and {made} + interval '1 day'", (_made_at(event_id),) * 2),
    ]
    found = _read(session, _EVENT, near, "recorded_at", 1)
    return found[0] if found else None


def own_events(session: Session, actor: Actor, size: int, after: Cursor | None) -> tuple[list[Any], str | None]:
    """A page of what the person did themselves (purpose `member`)."""
    where: Where = [("actor_id = %s", (actor.user_id,)), *_before("recorded_at", "event_id", after)]
    found = _read(session, _EVENT, where, "recorded_at desc, event_id desc", size + 1)
    return cut(found, size, lambda row: cursor_after(row.recorded_at, row.event_id))


def accesses(
    session: Session, chosen: AccessFilter, user: UUID | None, size: int, after: Cursor | None
) -> tuple[list[Any], str | None]:
    """A page of the access log, newest first, and the cursor of the next."""
    where = _before("occurred_at", "id", after) + _between("occurred_at", chosen)
    if chosen.user is not None:
        where.append(("user_id = %s", (user,)))
    if chosen.method is not None:
        where.append(("method = %s", (chosen.method,)))
    if chosen.status is not None:
        where.append(("status between %s and %s", chosen.status))
    found = _read(session, _ACCESS, where, "occurred_at desc, id desc", size + 1)
    return cut(found, size, lambda row: cursor_after(row.occurred_at, row.id))


def people(session: Session, ids: set[UUID]) -> dict[str, str]:
    """How people are shown, by id, as far as the trail knows."""
    if not ids:
        return {}
    return {str(row.id): row.shown for row in rows(session, _PEOPLE, list(ids)) if row.shown}


def person_of_email(session: Session, digest: bytes) -> UUID | None:
    """Whose e-mail this is (purpose `auth`)."""
    found = rows(session, "select id from app_user where email_digest = %s", digest)
    return found[0].id if found else None


def viewed_lately(session: Session, actor: Actor, action: str, asked: dict[str, Any]) -> bool:
    """Whether this person's same look is in the trail already, within the last minute."""
    return bool(
        rows(
            session,
            "select 1 from audit_event where actor_id = %s and recorded_at > now() - interval '1 minute'"
            " and action = %s and session_id is not distinct from %s and details->'asked' = %s::jsonb limit 1",
            actor.user_id, action, actor.session_id, json.dumps(asked),
        )
    )  # fmt: skip


def _event_conditions(chosen: EventFilter, actor_id: UUID | None) -> Where:
    where = _between("recorded_at", chosen)
    if chosen.actor is not None:
        by_id = ("actor_id = %s", (actor_id,))
        where.append(by_id if actor_id else ("actor->>'display' = %s", (chosen.actor,)))
    if chosen.action is not None:
        where.append(("action = any(%s)", (list(chosen.action),)))
    if chosen.target is not None:
        where += [_touching(chosen.target), *_not_before(parse_id(chosen.target))]
    if chosen.outcome is not None:
        where.append(("outcome = %s", (chosen.outcome,)))
    if chosen.ip is not None:
        where.append(("request->>'ip' = %s", (chosen.ip,)))
    if chosen.session is not None:
        touched, values = _touching(str(chosen.session))
        where += [(f"(session_id = %s or {touched})", (chosen.session, *values)), *_not_before(chosen.session)]
    if chosen.text is not None:
        where.append((_TEXT, (actions_that_say(chosen.text), f"%{_literal(chosen.text)}%")))
    return where


def _touching(target: str) -> tuple[str, tuple[str, ...]]:
    id = parse_id(target)
    if id is not None:
        return "targets @> %s::jsonb", (json.dumps([{"id": str(id)}]),)
    named = (json.dumps([{"display": target}]), json.dumps([{"id": target}]))
    return "(targets @> %s::jsonb or targets @> %s::jsonb)", named


def _not_before(id: UUID | None) -> Where:
    """Nothing happened to a thing before it was made, which its id tells: older partitions need not be read."""
    if id is None or id.version != 7:
        return []
    return [("recorded_at >= to_timestamp(%s) - interval '1 day'", (_made_at(id),))]


def _between(column: str, chosen: EventFilter | AccessFilter) -> Where:
    where: Where = []
    if chosen.since is not None:
        where.append((f"{column} >= %s", (chosen.since,)))
    if chosen.until is not None:
        where.append((f"{column} < %s", (chosen.until,)))
    return where


def _before(moment: str, id: str, after: Cursor | None) -> Where:
    """Rows beyond the cursor; the first condition says nothing new, but lets PostgreSQL skip whole partitions."""
    if after is None:
        return []
    return [(f"{moment} <= %s", (after[0],)), (f"({moment}, {id}) < (%s, %s)", after)]


def _read(session: Session, what: str, where: Where, order: str, size: int) -> list[Any]:
    condition = " where " + " and ".join(part for part, _ in where) if where else ""
    values = [value for _, some in where for value in some]
    with _patience(session):
        return rows(session, f"{what}{condition} order by {order} limit %s", *values, size)


@contextmanager
def _patience(session: Session) -> Iterator[None]:
    """Give up a statement that takes too long. Raises Invalid with advice; the transaction is lost then."""
    session.connection().exec_driver_sql(f"set local statement_timeout = '{SLOWEST}'")
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _CANCELLED:
            raise Invalid("That search takes too long. Give a shorter time, an actor or an action.") from error
        raise
    session.connection().exec_driver_sql("set local statement_timeout = '30s'")


def _made_at(id: UUID) -> float:
    return (id.int >> 80) / 1000


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
