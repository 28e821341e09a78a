"""Making and editing organisations. Structure is the steward's alone: here a request is placed and waited for."""

import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from onyx.access.invitation_letter import address
from onyx.access.inviting import invite_first
from onyx.access.new_password import made_up
from onyx.access.people import add_person, checked_email
from onyx.access.policy import PLATFORM_SLUG
from onyx.access.visiting import visiting
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work
from onyx.core.errors import Conflict, Invalid, OnyxError, Unavailable
from onyx.core.scope import Scope, current_scope, tenant_scope
from onyx.tenancy import requests
from onyx.tenancy.listing import UNREADABLE, Tenant, looks_like, notes_of
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.slugs import checked_slug
from onyx.tenancy.walls import control_plane

from .trail import told

PATIENCE = 8.0
_NOTE = """
insert into tenant_note (tenant_id, body) values (%s, %s)
on conflict (tenant_id) do update set body = excluded.body, changed_at = clock_timestamp()
"""


def create(session: Session, actor: Actor, *, slug: str, name: str) -> Tenant:
    """Create an organisation; whoever runs it comes by first_admin().

    Raises Conflict for a short name that is taken or looks like one that is, Unavailable when the steward does not
    answer within eight seconds; the organisation is then made when it is back.
    """
    refuse_taken(checked_slug(slug))
    ask_steward("create_tenant", {"slug": slug, "name": name})
    made = known_tenant(current_scope(), slug=slug)
    assert made is not None
    record_created(session, actor, made)
    return made


def first_admin(
    actor: Actor, place: Tenant, *, email: str, name: str, by_password: bool, by_mail: bool, base: str
) -> dict[str, Any]:
    """Bring an administrator in: by an invitation, mailed where Onyx sends mail (`by_mail`), else with its link in the
    answer alone; or with a one-time password, which the answer alone holds.
    """
    if by_password:
        return {"email": checked_email(email), "password": add_admin(actor, place, email=email, display_name=name)}
    if place.slug == PLATFORM_SLUG:
        raise Conflict("Platform admins are invited by platform admins, under Invitations.")
    with tenant_scope(place.id, "job:provision"), unit_of_work() as session:
        made = invite_first(session, _visitor(actor, place), by_mail, email=email, display_name=name)
    link = address(base, made.token) if made.token else None
    return {"email": made.email, "mailed": link is None, "link": link, "expires_at": made.expires_at}


def refuse_taken(slug: str) -> None:
    """Raise Conflict for a short name that is there already, or that the eye takes for one that is."""
    made = known_tenant(current_scope(), slug=slug)
    if made is not None and made.status != "provisioning":
        raise refusal("taken")
    other = looks_like(current_scope(), slug)
    if other is not None:
        raise Conflict(
            f"{slug} looks too much like {other}, which is there already. Choose a name that nobody mixes up."
        )


def record_created(session: Session, actor: Actor, place: Tenant) -> None:
    """The event in the platform's own trail; the structure itself was made by the steward."""
    record(session, actor, Action.TENANT_CREATED, target("tenant", place.id, place.slug))


def add_admin(actor: Actor, place: Tenant, *, email: str, display_name: str) -> str:
    """Add an administrator to an organisation; returns the one-time password."""
    password = made_up(Scope(place.id, "auth"))
    with tenant_scope(place.id, "job:provision"), unit_of_work() as session:
        role = "platform_admin" if place.slug == PLATFORM_SLUG else "admin"
        add_person(session, _visitor(actor, place), email=email, name=display_name, roles=[role], password=password)
    return password


def administered(place: Tenant) -> bool:
    """Whether anybody holds an administrator's role in an organisation for good."""
    roles = "select 1 from user_role where role in ('admin', 'platform_admin') and expires_at is null limit 1"
    with tenant_scope(place.id, "job:provision"), unit_of_work() as session:
        return bool(rows(session, roles))


def _visitor(actor: Actor, place: Tenant) -> Actor:
    """The actor as another organisation's trail shows them: of the platform, nobody of its own people."""
    return replace(
        actor, tenant_id=place.id, tenant_slug=place.slug, tenant_name=place.name, user_id=None, session_id=None,
        kind="platform" if actor.for_a_person else actor.kind,
    )  # fmt: skip


def ask_steward(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Place a request and wait for its result. Raises Conflict, Invalid or Unavailable."""
    id = requests.place(operation, arguments)
    began = time.monotonic()
    while (waited := time.monotonic() - began) < PATIENCE:
        time.sleep(min(0.05, 0.01 + waited / 10))  # a tenth of what it takes, at most, is waited for nothing
        with control_plane(current_scope()) as connection:
            row = _request(connection, id)
        if row.state == "done":
            return row.result or {}
        if row.state == "failed":
            raise refusal(row.error)
    raise Unavailable("The steward does not answer. What you asked for is kept and done when it is back.")


def edit(session: Session, actor: Actor, place: Tenant, *, name: str | None, notes: str | None) -> Tenant:
    """Change the name that people read, and what platform admins have written down; None leaves it as it is."""
    if name is not None and name != place.name:
        with told(actor, Action.TENANT_CHANGED, place, [change("name", place.name, name)]):
            _run("update tenant set name = %s where id = %s", name, place.id)
        if place.status not in UNREADABLE:
            with visiting(actor, place.id, place.slug, place.name) as (inside, _):
                users = [row[0] for row in rows(inside, "select id from app_user")]
            outbox.put(session, "people.changed", tenant=place.id, users=users)
        place = place._replace(name=name)
    if notes is not None and notes != notes_of(current_scope(), place.id):
        with told(actor, Action.TENANT_CHANGED, place, notes="changed"):  # not what they say: people may be named there
            _run(_NOTE, place.id, notes)
    return place


def refusal(error: str) -> OnyxError:
    """What the steward's word for a request that it refused means to the one who asked."""
    if error == "taken":
        return Conflict("There is an organisation with this short name already.")
    if error == "looks_alike":
        return Conflict("This short name looks too much like another one. Choose a name that nobody mixes up.")
    if error == "malformed":
        return Invalid(fields={"slug": "Use 3 to 40 letters, digits and hyphens, a letter first."})
    return Unavailable("The steward could not do that; the request keeps its reason.")


def _run(statement: str, *values: Any) -> None:
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql(statement, values)


def _request(connection: Connection, id: UUID) -> Any:
    return connection.exec_driver_sql("select state, result, error from steward_request where id = %s", (id,)).one()
