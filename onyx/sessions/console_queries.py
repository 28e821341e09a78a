"""Live login sessions of a whole tenant, for those who may see and end them."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, column, text, tuple_
from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import Cursor, cursor_of, cut
from onyx.identity.models import LoginSession

from .live_filter import COUNTED, Filter, Part, Way, way

ALIVE = """s.state = 'active' and s.expires_at > now()
   and s.last_seen_at + s.idle_seconds * interval '1 second' > now()"""
MANY_PEOPLE = 5000
NEARLY_EVERYBODY = 25_000
_COLUMNS = "s.id, s.user_id, s.device, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.expires_at"
_PEOPLE = f"select people_like(%s, {MANY_PEOPLE + 1}) as id"
_HOW_MANY = f"select count(*) as people from people_like(%s, {NEARLY_EVERYBODY + 1})"
_AMONG = "s.user_id in (select people_like(%s, 1000000))"
_IS_NAMED = "is_named(s.user_id, %s)"
_SOME = f"""
select {_COLUMNS}, s.state, {ALIVE} as alive, u.email, p.display_name
  from login_session s left join app_user u on u.id = s.user_id left join profile p on p.user_id = s.user_id
 where s.id = any(%s)
"""
_NAMES = (
    "id",
    "user_id",
    "email",
    "display_name",
    "device",
    "ip",
    "user_agent",
    "created_at",
    "last_seen_at",
    "expires_at",
)


def live_sessions(
    session: Session, actor: Actor, wanted: Filter, size: int, after: Cursor | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the tenant's live sessions, newest first, each with its person."""
    there = _way(session, wanted, after)
    statement = (
        f"select s.*, u.email, p.display_name from (select {_COLUMNS} {there.sql}"
        " order by s.created_at desc, s.id desc limit %s) s"
        " left join app_user u on u.id = s.user_id left join profile p on p.user_id = s.user_id"
        " order by s.created_at desc, s.id desc"
    )
    found, following = cut(rows(session, statement, *there.values, size + 1), size, cursor_of)
    return [_shown(row, actor) for row in found], following


def some(session: Session, actor: Actor, ids: list[UUID]) -> tuple[list[dict[str, Any]], set[UUID]]:
    """Those of some sessions that are live, in no order, and the ids of those that have ended or never were."""
    found = rows(session, _SOME, ids)
    over = set(ids) - {row.id for row in found if row.state == "active"}
    return [_shown(row, actor) for row in found if row.alive], over


def count(session: Session, wanted: Filter) -> dict[str, Any]:
    """How many there are; counting stops at 10,000, which `more` then says."""
    there = _way(session, wanted, None, whole=True)
    statement = f"select count(*) from (select 1 {there.sql} limit {COUNTED + 1}) as found"
    found = int(rows(session, statement, *there.values)[0][0])
    return {"count": min(found, COUNTED), "more": found > COUNTED}


def those(session: Session, wanted: Filter, keep: UUID | None) -> ColumnElement[bool]:
    """The same sessions as a condition on LoginSession, for ending them; `keep` is not among them."""
    there = _way(session, wanted, None, whole=True)
    names = [f"value_{number}" for number in range(len(there.values))]
    sql = f"select s.user_id, s.id {there.sql}".replace("%s", "{}").format(*(f":{name}" for name in names))
    found = text(sql).bindparams(**dict(zip(names, there.values, strict=True)))
    chosen = tuple_(LoginSession.user_id, LoginSession.id).in_(found.columns(column("user_id"), column("id")))
    return chosen if keep is None else chosen & (LoginSession.id != keep)


def count_live(session: Session) -> int:
    """How many sessions are live; counting stops at 100 000."""
    statement = f"select count(*) from (select 1 from login_session s where {ALIVE} limit 100000) as alive"
    return int(rows(session, statement)[0][0])


def _shown(row: Any, actor: Actor) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _NAMES} | {"current": row.id == actor.session_id}


def _way(session: Session, wanted: Filter, after: Cursor | None, whole: bool = False) -> Way:
    """People of that name are looked for by their ids, in PostgreSQL where they are many, unless nearly everybody is
    meant: then each session's person is looked at until there are enough; not where the `whole` is asked for.
    """
    more = []
    if wanted.text:
        found = {row.id for row in rows(session, _PEOPLE, wanted.text)}
        if len(found) > MANY_PEOPLE:
            among = whole or rows(session, _HOW_MANY, wanted.text)[0].people <= NEARLY_EVERYBODY
            more.append(Part(_AMONG if among else _IS_NAMED, (wanted.text,)))
        else:
            people = found if wanted.people is None else found & set(wanted.people)
            wanted = replace(wanted, people=tuple(people))
    return way(partial(rows, session), "login_session", ALIVE, replace(wanted, tenants=None), more, after)
