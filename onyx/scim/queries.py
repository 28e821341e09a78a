"""Reading people and groups as their directory sees them (purpose `admin`)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows

_PEOPLE = """
select u.id, u.email, u.status, u.created_at, greatest(u.updated_at, s.updated_at) as changed_at, p.display_name,
       s.external_id, s.attributes,
       (select jsonb_agg(jsonb_build_object('value', g.id, 'display', g.display_name) order by g.id)
          from scim_member m join scim_group g on g.id = m.group_id where m.user_id = u.id) as groups
  from app_user u join profile p on p.user_id = u.id left join scim_user s on s.user_id = u.id
 where (%s::uuid is null or u.id = %s) and (%s::text is null or u.email = %s)
   and (%s::text is null or s.external_id = %s)
 order by u.id limit %s offset %s
"""
_COUNT = "select count(*) from app_user"
_GROUPS = """
select g.id, g.display_name, g.external_id, g.role, g.created_at, g.updated_at,
       (select jsonb_agg(jsonb_build_object('value', m.user_id) order by m.user_id)
          from scim_member m where m.group_id = g.id) as members
  from scim_group g where %s::uuid is null or g.id = %s order by g.id
"""


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a filter surely says; the database looks no further. Empty parts do not count."""

    id: UUID | None = None
    name: str | None = None
    external: str | None = None


def people(session: Session, narrow: Narrow, size: int | None = None, skip: int = 0) -> list[Any]:
    """People in the order of their ids; all of them without a size."""
    given = (narrow.id, narrow.id, narrow.name, narrow.name, narrow.external, narrow.external)
    return rows(session, _PEOPLE, *given, size, skip)


def headcount(session: Session) -> int:
    return int(rows(session, _COUNT)[0][0])


def person(session: Session, _actor: Actor, user_id: UUID) -> Any | None:
    """One person (a loader for `requires`)."""
    found = people(session, Narrow(id=user_id))
    return found[0] if found else None


def groups(session: Session, id: UUID | None = None) -> list[Any]:
    """All groups of the tenant with their members, or one."""
    return rows(session, _GROUPS, id, id)


def group(session: Session, _actor: Actor, group_id: UUID) -> Any | None:
    """One group (a loader for `requires`)."""
    found = groups(session, group_id)
    return found[0] if found else None
