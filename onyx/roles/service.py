"""Every change of a role; all who hold it feel it at once, on every process (I2, I3)."""

import re
import unicodedata
from collections.abc import Collection

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onyx.access.lasting import held_until, must_not_outlast
from onyx.access.policy import ALWAYS, GRANTABLE, HELD_APART
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.db import rows, violated
from onyx.core.errors import Conflict, Denied, Invalid
from onyx.core.ids import uuid7
from onyx.identity import changes
from onyx.identity.models import CustomRole, UserRole

from . import queries

MOST = 200
_BASE = {p.value for p in ALWAYS}


def create(session: Session, actor: Actor, *, name: str, description: str, permissions: list[str]) -> CustomRole:
    """Make a role. Raises Invalid for an unknown permission, Denied for one that the actor lacks, Conflict for a name
    that is taken.
    """
    role = CustomRole(
        id=uuid7(), key=_key(name), name=name, description=description.strip(), created_by=actor.user_id,
        permissions=checked(actor, permissions),
    )  # fmt: skip
    session.add(role)
    try:
        session.flush()  # so that a taken name is told as one
    except IntegrityError as error:
        if violated(error) in ("role_key_unique", "role_key_form"):
            raise Conflict("There is a role by this name already.") from None
        raise
    told = [change("permissions", [], role.permissions)]
    record(session, actor, Action.ROLE_CREATED, target("role", role.id, name), changes=told)
    return role


def alter(
    session: Session, actor: Actor, role: CustomRole, *, name: str | None, description: str | None,
    permissions: list[str] | None,
) -> None:  # fmt: skip
    """Change a role. Raises Denied when it allows, or would allow, what the actor may not do, or only for a time."""
    _not_above(actor, role)
    wanted = checked(actor, permissions) if permissions is not None else role.permissions
    new = {"name": name or role.name, "description": role.description if description is None else description.strip()}
    told = [change(field, getattr(role, field), value) for field, value in new.items() if getattr(role, field) != value]
    if sorted(role.permissions) != wanted:
        told.append(change("permissions", sorted(role.permissions), wanted))
        more = set(wanted) - set(role.permissions)
        # Whoever holds the role has it from now on for as long as they hold the role.
        must_not_outlast(actor, held_until(session, actor), [(frozenset(more), None)])
        _appoint(session, actor, role, more)
        changes.role_changed(session, actor.tenant_id)
    if not told:
        return
    role.name, role.description, role.permissions, role.updated_at = new["name"], new["description"], wanted, now()
    record(session, actor, Action.ROLE_CHANGED, target("role", role.id, role.name), changes=told)


def remove(session: Session, actor: Actor, role: CustomRole) -> None:
    """Delete a role; whoever holds it holds it no longer. The row is locked, so that no new grant slips in."""
    _not_above(actor, role)
    told = [change("permissions", sorted(role.permissions), [])]
    record(session, actor, Action.ROLE_DELETED, target("role", role.id, role.name), changes=told)
    rows(session, "update scim_group set role = null where role = %s returning id", role.key)
    session.execute(delete(UserRole).where(UserRole.role == role.key).execution_options(synchronize_session=False))
    session.delete(role)
    changes.role_changed(session, actor.tenant_id)


def checked(actor: Actor, permissions: Collection[str]) -> list[str]:
    """The permissions, sorted, without what every role gives. Raises Invalid, or Denied for more than the actor has.

    Unlike with granting nothing is held apart: whoever writes a role must hold all of it.
    """
    wanted = set(permissions) - _BASE
    if not wanted or not wanted <= {p.value for p in GRANTABLE}:
        raise Invalid(fields={"permissions": "Choose from GET /api/v1/permissions what is grantable."})
    _must_hold(actor, wanted)
    return sorted(wanted)


def _appoint(session: Session, actor: Actor, role: CustomRole, more: set[str]) -> None:
    """Tell of each who becomes an auditor by what a role allows from now on (decision 0005)."""
    if not more & HELD_APART:
        return
    for row in queries.holders(session, role.key):
        if not queries.otherwise(row, role.key, actor.tenant_slug) & HELD_APART:
            record(session, actor, Action.AUDITOR_APPOINTED, target("user", row.id, row.email), through=role.key)


def _not_above(actor: Actor, role: CustomRole) -> None:
    _must_hold(actor, set(role.permissions))


def _must_hold(actor: Actor, permissions: set[str]) -> None:
    lacking = permissions - actor.permissions
    if actor.for_a_person and lacking:
        raise Denied(f"This role allows what you may not do yourself: {', '.join(sorted(lacking))}.")


def _key(name: str) -> str:
    """A short word of letters, digits and hyphens by which the role is held: `Service Désk` is `service-desk`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50]
    return key if key[:1].isalpha() and plain.isascii() and len(key) > 1 else f"role-{key or uuid7().hex[-8:]}"
