"""Groups of a directory. One whose name is that of a role gives it to its members, and takes it when they leave."""

from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onyx.access import lifecycle
from onyx.access.held import roles_held, until
from onyx.access.people import checked_roles
from onyx.access.policy import roles_for
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.db import rows, violated
from onyx.core.errors import Conflict, Invalid
from onyx.core.ids import parse_id, uuid7
from onyx.identity.models import User as Person

from .resources import Group

_ADD = "insert into scim_group (id, display_name, external_id, role) values (%s, %s, %s, %s) returning id"
_CHANGE = """
update scim_group set display_name = %s, external_id = %s, role = %s, updated_at = now() where id = %s returning id
"""
_JOIN = "insert into scim_member (group_id, user_id, granted) values (%s, %s, %s) returning user_id"
_LEAVE = "delete from scim_member where group_id = %s and user_id = %s returning granted"
_MEMBERS = "select user_id from scim_member where group_id = %s order by user_id"
_GRANT = "update scim_member set granted = %s where group_id = %s and user_id = %s returning user_id"
_STILL = """
select 1 from scim_member m join scim_group g on g.id = m.group_id where m.user_id = %s and g.role = %s and g.id <> %s
"""


def create(session: Session, actor: Actor, wanted: Group) -> UUID:
    """A new group. Raises Conflict for a taken name, Denied when its role is more than the key's maker may give."""
    id, role = uuid7(), _role_of(session, actor, wanted.display_name or "")
    _write(session, _ADD, id, _name(wanted), wanted.external_id, role)
    record(session, actor, Action.GROUP_CREATED, target("group", id, _name(wanted)), role=role)
    _set_members(session, actor, id, role, _wanted_members(session, wanted))
    return id


def replace(session: Session, actor: Actor, row: Any, wanted: Group) -> None:
    """Make a group what the directory says. A new name may mean another role, for everybody in it."""
    role = _role_of(session, actor, wanted.display_name or "")
    members = _wanted_members(session, wanted)
    if role != row.role:
        _set_members(session, actor, row.id, row.role, [])
    _write(session, _CHANGE, _name(wanted), wanted.external_id, role, row.id)
    told = [change("display_name", row.display_name, _name(wanted))] if row.display_name != _name(wanted) else []
    record(
        session, actor, Action.GROUP_CHANGED, target("group", row.id, _name(wanted)), changes=told, members=len(members)
    )
    _set_members(session, actor, row.id, role, members)


def remove(session: Session, actor: Actor, row: Any) -> None:
    """Delete a group; what it gave goes with it."""
    _set_members(session, actor, row.id, row.role, [])
    rows(session, "delete from scim_group where id = %s returning id", row.id)
    record(session, actor, Action.GROUP_DELETED, target("group", row.id, row.display_name))


def _set_members(session: Session, actor: Actor, group: UUID, role: str | None, wanted: list[UUID]) -> None:
    held = [row.user_id for row in rows(session, _MEMBERS, group)]
    for user in held:
        if user not in wanted:
            granted = rows(session, _LEAVE, group, user)[0].granted
            if role and granted and not rows(session, _STILL, user, role, group):
                _turn(session, actor, user, role, give=False)
    for user in wanted:
        if user not in held:
            rows(session, _JOIN, group, user, bool(role) and _turn(session, actor, user, role or "", give=True))


def _turn(session: Session, actor: Actor, id: UUID, role: str, give: bool) -> bool:
    """Give or take a role; whether that changed anything."""
    user = session.get_one(Person, id)
    ends = {held: until(user).get(held) for held in roles_held(user)}
    if (role in ends and ends[role] is None) if give else role not in ends:
        return False
    ends.pop(role, None)
    lifecycle.change_roles(session, actor, user, {**ends, role: None} if give else ends)
    return True


def _wanted_members(session: Session, wanted: Group) -> list[UUID]:
    ids = [parse_id(member.value) for member in wanted.members or ()]
    known = [id for id in dict.fromkeys(ids) if id is not None and session.get(Person, id) is not None]
    if len(known) != len(set(ids)):
        raise Invalid("A member of this group is nobody here.")
    return known


def _role_of(session: Session, actor: Actor, name: str) -> str | None:
    """The role, built in or of the tenant's own, that a group of this name gives; None for every other name."""
    said = name.strip().lower().replace(" ", "_")
    if said not in {role.value for role in roles_for(actor.tenant_slug)}:
        own = rows(session, "select key from role where lower(name) = lower(%s) order by key limit 1", name.strip())
        if not own:
            return None
        said = own[0].key
    return checked_roles(session, actor, [said])[0]


def _name(wanted: Group) -> str:
    return (wanted.display_name or "").strip()[:200]


def _write(session: Session, statement: str, *values: Any) -> None:
    try:
        rows(session, statement, *values)
    except IntegrityError as error:
        if violated(error) == "scim_group_name":
            raise Conflict("There is a group by this name.") from None
        raise
