"""Reading roles: what there is, what it allows, who holds it, and what a change of it would do (I4)."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access import held
from onyx.access.policy import (
    ALWAYS,
    GRANTABLE,
    MEANING,
    POLICY,
    PURPOSE,
    ROLE_MEANING,
    Permission,
    permissions_of,
    roles_for,
)
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.identity.models import CustomRole

MOST_SHOWN = 200
_OWN = "select id, key, name, description, permissions, created_at, updated_at from role order by name, id"
_COUNTS = """
select role, count(*) as people from user_role where expires_at is null or expires_at > now() group by role
"""
_HOLDERS = f"""
select u.id, u.email, p.display_name, {held.ROLES},
       array(select distinct given from user_role r join role c on c.key = r.role
         cross join unnest(c.permissions) as given
         where r.user_id = u.id and (r.expires_at is null or r.expires_at > now()) and r.role <> h.role) as extra
  from user_role h join app_user u on u.id = h.user_id join profile p on p.user_id = u.id
 where h.role = %s and (h.expires_at is null or h.expires_at > now())
 order by u.id
"""


def all_roles(session: Session, tenant_slug: str) -> list[dict[str, Any]]:
    """Built-in roles first, then the organisation's own by name; each with how many hold it."""
    people = {row.role: row.people for row in rows(session, _COUNTS)}
    built_in = [
        {
            "id": role.value, "key": role.value, "name": role.value.replace("_", " ").capitalize(),
            "description": ROLE_MEANING[role],
            "permissions": sorted(POLICY[role]), "built_in": True, "people": people.get(role.value, 0),
        }
        for role in roles_for(tenant_slug)
    ]  # fmt: skip
    return built_in + [shown(row, people.get(row.key, 0)) for row in rows(session, _OWN)]


def own_role(session: Session, _actor: Actor, role_id: UUID) -> CustomRole | None:
    """A role of the organisation's own (a loader for `requires`)."""
    return session.get(CustomRole, role_id, with_for_update=True)


def shown(row: Any, people: int | None = None) -> dict[str, Any]:
    """A role of the organisation's own."""
    return {
        "id": row.id,
        "key": row.key,
        "name": row.name,
        "description": row.description,
        "permissions": sorted(row.permissions),
        "built_in": False,
        **({} if people is None else {"people": people}),
    }


def vocabulary(actor: Actor) -> list[dict[str, Any]]:
    """Every permission that there is here: what it means, and whether this person may put it into a role."""
    return [
        {
            "id": permission.value,
            "purpose": PURPOSE[permission],
            "meaning": MEANING[permission],
            "grantable": permission in GRANTABLE and actor.may(permission),
            "always": permission in ALWAYS,
        }
        for permission in Permission
        if permission in GRANTABLE or actor.may(permission)
    ]


def preview(session: Session, actor: Actor, role: CustomRole, wanted: Collection[str]) -> dict[str, Any]:
    """Who would gain and lose what if the role allowed exactly `wanted`; what other roles give does not count.

    How many they are is told to everybody who may change roles, who they are to those who may see people.
    """
    most = MOST_SHOWN if actor.may(Permission.USERS_READ) else 0
    people = holders(session, role.key)
    slug = actor.tenant_slug
    new, old = (permissions_of((), slug, some) for some in (wanted, role.permissions))
    gains: list[dict[str, Any]] = []
    loses: list[dict[str, Any]] = []
    for row in people:
        rest = otherwise(row, role.key, slug)
        for found, some in ((gains, new - old - rest), (loses, old - new - rest)):
            if some:
                person = {"id": row.id, "email": row.email, "display_name": row.display_name}
                found.append({**person, "permissions": sorted(some)})
    return {
        "allows": _beside_always(new),
        "people": len(people),
        "gain": len(gains),
        "lose": len(loses),
        "gains": gains[:most],
        "loses": loses[:most],
    }


def preview_new(actor: Actor, wanted: Collection[str]) -> dict[str, Any]:
    """The same of a role that is not there yet: nobody holds it, and this is what it would allow."""
    allows = _beside_always(permissions_of((), actor.tenant_slug, wanted))
    return {"allows": allows, "people": 0, "gain": 0, "lose": 0, "gains": [], "loses": []}


def _beside_always(permissions: Collection[str]) -> list[str]:
    return sorted(set(permissions) - {p.value for p in ALWAYS})


def holders(session: Session, key: str) -> list[Any]:
    """Who holds a role now, and what else they hold: id, email, display_name, roles, extra (other roles of its kind)."""
    return rows(session, _HOLDERS, key)


def otherwise(holder: Any, key: str, tenant_slug: str) -> frozenset[str]:
    """What one of the holders() of a role may do without it."""
    return permissions_of([held for held in holder.roles if held != key], tenant_slug, holder.extra)
