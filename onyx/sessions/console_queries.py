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

from .live_filter import COUNTED, FEW, Filter, Part, Way, way

ALIVE = """s.state = 'active' and s.expires_at > now()
   and s.last_seen_at + s.idle_seconds * interval '1 second' > now()"""
SAMPLE = 0.5  # percent of the table's pages, by which the way is chosen
OFTEN = 10  # whoever is met so often there has more sessions than FEW
LOOKED_UP = 3  # words, at most
_COLUMNS = "s.id, s.user_id, s.device, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.expires_at"
# The words that were typed, the rarest in a sample of the sessions first; of those that are not met often there, the
# people who have them, unless they are many.
_WORDS = """
with sample as materialized (
    select s.words from login_session s tablesample system (%s) repeatable (1) where s.state = 'active'),
met as (
    select w.word, m.met, row_number() over (order by m.met, length(w.word) desc, w.word) as place
      from unnest(onyx.words_typed(%s)) w(word)
     cross join lateral (select count(*) as met from sample s where s.words like '%% ' || w.word || '%%') m)
select word, case when met < %s and place <= %s then (
           select case when count(*) <= %s then coalesce(array_agg(person), '{}') end
             from people_like(word, %s) person) end as people
  from met order by place
"""
_CARRIES = "case when s.words like %s then true else false end"
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
    there = _way(session, wanted)
    statement = f"select count(*) from (select 1 {there.sql} limit {COUNTED + 1}) as found"
    found = int(rows(session, statement, *there.values)[0][0])
    return {"count": min(found, COUNTED), "more": found > COUNTED}


def those(session: Session, wanted: Filter, keep: UUID | None) -> ColumnElement[bool]:
    """The same sessions as a condition on LoginSession, for ending them; `keep` is not among them."""
    there = _way(session, wanted)
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


def _way(session: Session, wanted: Filter, after: Cursor | None = None) -> Way:
    """Each word that was typed begins one of the person's e-mail or name. The people of a word that few have are looked
    up and followed; of a word that many have, each session is looked at, in the order of the list, until there are enough.
    """
    more = []
    if wanted.text:
        typed = rows(session, _WORDS, SAMPLE, wanted.text, OFTEN, LOOKED_UP, FEW, FEW + 1)
        more = [Part(_CARRIES, (f"% {word.word}%",)) for word in typed]
        few = [set(word.people) for word in typed if word.people is not None]
        if few or not typed:
            wanted = replace(wanted, people=_of_all(few, wanted.people))
    return way(partial(rows, session), "login_session", ALIVE, replace(wanted, tenants=None), more, after)


def _of_all(few: list[set[UUID]], people: tuple[UUID, ...] | None) -> tuple[UUID, ...]:
    """Those whom every word finds, among `people` where only some are wanted; nobody for no words."""
    sets = few if people is None else [*few, set(people)]
    return tuple(set.intersection(*sets)) if few else ()
