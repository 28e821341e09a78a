"""Full-text search, one statement. The two functions filter by the signed person (migrations/tenant/0003)."""

from typing import Any

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows

_SEARCH = """
with words as (select %s::text::tsquery as q)
select * from (
    (select 'chat' as kind, c.id, c.id as session_id, c.title, c.preview as content, 2.0::real as rank,
            c.last_message_at as at
       from chat_session c, words w where c.user_id = %s and to_tsvector('simple', coalesce(c.title, '')) @@ w.q
      order by c.last_message_at desc limit %s)
    union all
    (select 'message', m.id, m.chat_session_id, c.title, m.content, m.rank, m.created_at
       from words w, search_messages(w.q, %s) m
       join chat_session c on c.user_id = %s and c.id = m.chat_session_id)
    union all
    (select 'file', p.file_id, null, p.name, p.content, p.rank, null from words w, search_passages(w.q, %s) p)
) found order by rank desc, at desc nulls last limit %s
"""


def search(session: Session, actor: Actor, query: str, limit: int) -> list[Any]:
    """Titles, messages and passages that match a tsquery, best first."""
    user = actor.user_id
    return rows(session, _SEARCH, query, user, limit, limit, user, limit, limit)
