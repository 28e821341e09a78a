"""Every change to an organisation. Structure is the steward's alone: here a request is placed and waited for."""

import json
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from onyx.access.ending import end_everybody
from onyx.access.people import add_person, checked_email
from onyx.access.visiting import visiting
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work
from onyx.core.errors import Conflict, Invalid, Unavailable
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope, tenant_scope
from onyx.identity import changes
from onyx.identity.passwords import new_password
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.walls import control_plane

PATIENCE = 8.0
_PLACE = "insert into steward_request (id, operation, arguments, requested_by) values (%s, %s, %s, %s)"


def create(
    session: Session, actor: Actor, *, slug: str, name: str, admin_email: str, admin_name: str
) -> dict[str, Any]:
    """Create an organisation and its first administrator, whose password is in the answer and nowhere else.

    Raises Conflict for a taken slug, Unavailable when the steward does not answer within eight seconds; the
    organisation is then made when it is back, and its first administrator can be added.
    """
    checked_email(admin_email)
    made = known_tenant(current_scope(), slug=slug)
    if made is not None and made.status != "provisioning":
        raise _refusal("taken")
    ask_steward(actor, "create_tenant", {"slug": slug, "name": name})
    made = known_tenant(current_scope(), slug=slug)
    assert made is not None
    record_created(session, actor, made)
    password = add_admin(actor, made, email=admin_email, display_name=admin_name)
    return {"tenant": made, "admin": {"email": admin_email.strip().lower(), "password": password}}


def record_created(session: Session, actor: Actor, place: Tenant) -> None:
    """The event in the platform's own trail; the structure itself was made by the steward."""
    record(session, actor, Action.TENANT_CREATED, target("tenant", place.id, place.slug))


def add_admin(actor: Actor, place: Tenant, *, email: str, display_name: str) -> str:
    """Add an administrator to an organisation; returns the one-time password."""
    password = new_password()
    visitor = replace(
        actor, tenant_id=place.id, tenant_slug=place.slug, tenant_name=place.name, user_id=None, session_id=None,
        kind="platform" if actor.for_a_person else actor.kind,
    )  # fmt: skip
    with tenant_scope(place.id, "job:provision"), unit_of_work() as session:
        role = "platform_admin" if place.slug == "platform" else "admin"
        add_person(session, visitor, email=email, name=display_name, roles=[role], password=password)
    return password


def ask_steward(actor: Actor, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Place a request and wait for its result. Raises Conflict, Invalid or Unavailable."""
    id = uuid7()
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql(_PLACE, (id, operation, json.dumps(arguments), actor.user_id))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        time.sleep(0.05)
        with control_plane(current_scope()) as connection:
            row = _request(connection, id)
        if row.state == "done":
            return row.result or {}
        if row.state == "failed":
            raise _refusal(row.error)
    raise Unavailable("The steward does not answer. What you asked for is kept and done when it is back.")


def rename(session: Session, actor: Actor, place: Tenant, name: str | None) -> Tenant:
    """Change the name that people read."""
    if name is None or name == place.name:
        return place
    told = [change("name", place.name, name)]
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("update tenant set name = %s where id = %s", (name, place.id))
        _tell_own_trail(actor, Action.TENANT_CHANGED, place, told)
    with visiting(actor, place.id, place.slug, place.name) as (inside, _):
        users = [row[0] for row in rows(inside, "select id from app_user")]
    outbox.put(session, "people.changed", tenant=place.id, users=users)
    return place._replace(name=name)


def suspend(session: Session, actor: Actor, place: Tenant) -> Tenant:
    """Close an organisation: every session, socket and stream of it ends within a second, nothing is lost.

    Its people sign in anew after resume(). Raises Conflict for the platform's own tenant.
    """
    if place.slug == "platform":
        raise Conflict("The platform itself cannot be suspended.")
    if place.status == "suspended":
        return place
    if place.status != "active":
        raise Conflict("Only an active organisation can be suspended.")
    _turn(session, actor, place, "suspended", Action.TENANT_SUSPENDED)
    with visiting(actor, place.id, place.slug, place.name) as (inside, visitor):
        end_everybody(inside, visitor, "tenant_suspended")
        record(inside, visitor, Action.TENANT_SUSPENDED, target("tenant", place.id, place.slug))
    return place._replace(status="suspended")


def resume(session: Session, actor: Actor, place: Tenant) -> Tenant:
    """Open a suspended organisation again."""
    if place.status != "suspended":
        return place
    _turn(session, actor, place, "active", Action.TENANT_RESUMED)
    with visiting(actor, place.id, place.slug, place.name) as (inside, visitor):
        record(inside, visitor, Action.TENANT_RESUMED, target("tenant", place.id, place.slug))
    return place._replace(status="active", suspended_at=None)


def _turn(session: Session, actor: Actor, place: Tenant, status: str, action: Action) -> None:
    """The row and its event: the event's transaction commits first, and without it the row does not change."""
    told = [change("status", place.status, status)]
    changes.tenant_changed(session, place.id, "tenant_suspended" if status == "suspended" else "resumed")
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql(
            "update tenant set status = %s, suspended_at = case when %s = 'suspended' then now() end where id = %s",
            (status, status, place.id),
        )
        _tell_own_trail(actor, action, place, told)


def _tell_own_trail(actor: Actor, action: Action, place: Tenant, told: list[dict[str, Any]]) -> None:
    with tenant_scope(actor.tenant_id, "platform", actor.user_id, actor.session_id), unit_of_work() as own:
        record(own, actor, action, target("tenant", place.id, place.slug), changes=told)


def _refusal(error: str) -> Exception:
    if error == "taken":
        return Conflict("There is an organisation with this short name already.")
    if error == "malformed":
        return Invalid(fields={"slug": "Use 3 to 40 letters, digits and hyphens, a letter first."})
    return Unavailable("The steward could not do that; the request keeps its reason.")


def _request(connection: Connection, id: UUID) -> Any:
    return connection.exec_driver_sql("select state, result, error from steward_request where id = %s", (id,)).one()
