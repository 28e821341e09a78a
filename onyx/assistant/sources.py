"""What the person has that may answer a question: passages of files, earlier messages. One statement."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from onyx.core.db import rows

from .answers import Question

_SEARCH = """
with words as (select %s::text::tsquery as q)
(select 'file' as kind, p.file_id as id, p.name as title, p.content, p.rank, p.ordinal::bigint as place
   from words, search_passages(words.q, 24) p)
union all
(select 'chat', m.chat_session_id, coalesce(c.title, 'Untitled chat'), m.content, m.rank, m.seq
   from words, search_messages(words.q, 40) m join chat_session c on c.id = m.chat_session_id
  where m.id <> %s and m.role = 'user' limit 24)
"""
_NEWEST = """
select 'file' as kind, f.id, f.name as title, p.content, 1.0::real as rank, p.ordinal::bigint as place
  from (select user_id, id, name from user_file order by created_at desc, id desc limit 1) f
  join file_passage p on p.user_id = f.user_id and p.file_id = f.id order by p.ordinal limit 4
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of a file, or a message of an earlier chat."""

    kind: str
    id: str
    title: str
    content: str
    rank: float


def find(session: Session, question: Question, query: str) -> list[Source]:
    """Passages and earlier questions that match a tsquery, best first within each kind; never the question itself."""
    return [_source(row) for row in rows(session, _SEARCH, query, question.message_id)]


def newest_file(session: Session) -> list[Source]:
    """The beginning of the file that was uploaded last."""
    return [_source(row) for row in rows(session, _NEWEST)]


def _source(row: object) -> Source:
    return Source(row.kind, str(row.id), row.title, row.content, float(row.rank))  # type: ignore[attr-defined]
