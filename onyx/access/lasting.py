"""Until when somebody holds what they may do: nobody gives it to others for longer (I2).

An end of FOREVER is none; NEVER stands for what is not held at all.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import rows
from onyx.core.errors import Denied, Invalid, OnlyForATime
from onyx.core.scope import current_scope
from onyx.tenancy.walls import control_plane

from .policy import HELD_APART, KEEPS_ADMIN, permissions_of

FOREVER, NEVER = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
Ends = Mapping[str, datetime | None]  # roles, and when each ends
Grant = tuple[frozenset[str], datetime | None]  # what is given, and until when
_GRANTS = """
select r.role, r.expires_at, c.permissions from user_role r left join role c on c.key = r.role
 where r.user_id = %s and (r.expires_at is null or r.expires_at > now())
"""


def held_until(session: Session, actor: Actor) -> dict[str, datetime]:
    """Until when the person who acts holds each permission, by PostgreSQL; purposes that may read roles."""
    return _longest(grants_of(session, actor.user_id, actor.tenant_slug)) if actor.user_id else {}


def may_give_until(session: Session, actor: Actor) -> dict[str, datetime]:
    """The same of what they may give: who administers gives also what is held apart from them (decision 0005)."""
    held = held_until(session, actor)
    administers = latest(held, KEEPS_ADMIN)
    return {**held, **{name: max(held.get(name, NEVER), administers) for name in HELD_APART}}


def grants_of(session: Session, user: UUID, tenant_slug: str) -> list[Grant]:
    """What each grant of somebody gives at this moment, and until when."""
    found = rows(session, _GRANTS, user)
    return [(permissions_of((row.role,), tenant_slug, row.permissions or ()), row.expires_at) for row in found]


def latest(held: Mapping[str, datetime], given: Collection[str]) -> datetime:
    """Until when all of `given` is held."""
    return min((held.get(name, NEVER) for name in given), default=FOREVER)


def must_not_outlast(actor: Actor, held: Mapping[str, datetime], grants: Iterable[Grant]) -> None:
    """Raise OnlyForATime where something is given for longer than it is `held`; commands and jobs have no such bound."""
    if not actor.for_a_person:
        return
    for given, until in grants:
        end = latest(held, given)
        if (until or FOREVER) > end:
            raise OnlyForATime(end) if end > now() else Denied()


def role_ends(session: Session, actor: Actor, roles: Iterable[tuple[str, Collection[str]]]) -> dict[str, datetime]:
    """Of roles, each with its permissions, those that the actor may give for a time only: until when at the latest."""
    may = may_give_until(session, actor)
    found = {key: latest(may, permissions) for key, permissions in roles}
    return {key: end for key, end in found.items() if now() < end < FOREVER}


def checked_ends(roles: Collection[str], until: Mapping[str, datetime] | None) -> Mapping[str, datetime]:
    """When some of the roles end. Raises Invalid for a moment that is over, or that names another role."""
    if until is not None and any(role not in roles or at <= now() for role, at in until.items()):
        raise Invalid(fields={"until": "Choose a role that the person is given, and an end that is still to come."})
    return until or {}


def told(roles: Iterable[str], ends: Ends) -> list[str]:
    """Roles as the trail shows them: `admin`, or `admin until 2027-01-01T00:00:00Z`."""
    return [f"{role} until {rfc3339(at)}" if (at := ends.get(role)) else role for role in roles]


def mark_ends(ends: Ends) -> None:
    """Have the job roles.expire look when the first of these grants ends."""
    first = min((at for at in ends.values() if at), default=None)
    if first is not None:
        with control_plane(current_scope()) as connection:
            connection.exec_driver_sql("select mark_due('roles', %s)", (first,))


def _longest(grants: Iterable[Grant]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for given, until in grants:
        for name in given:
            found[name] = max(found.get(name, NEVER), until or FOREVER)
    return found
