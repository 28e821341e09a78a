"""People over HTTP: listing, creating, changing, suspending, and what each of them may do."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import NotFound, TooMany
from onyx.core.ids import parse_id
from onyx.core.pages import parse_id_cursor
from onyx.core.scope import tenant_scope
from onyx.edge import lockout
from onyx.edge.http import Page, body, ok, query_int, requires
from onyx.edge.state import state
from onyx.identity.models import User

from . import queries, service
from .forms import NewPerson, PersonChange, Removal, Roles

blueprint = Blueprint("members", __name__)


@blueprint.get("/api/v1/users")
@requires(Permission.USERS_READ)
def people(_actor: Actor, session: Session) -> Page:
    wanted = queries.Filter(
        q=request.args.get("q", "")[:200], role=request.args.get("role", ""), status=request.args.get("status", "")
    )
    after = parse_id_cursor(request.args.get("after"))
    return Page(*queries.people(session, wanted, query_int("limit", 50, 1, 200), after))


@blueprint.post("/api/v1/users")
@requires(Permission.USERS_MANAGE, limit="120/minute", fresh=True)
def create(actor: Actor, session: Session) -> Response:
    form = body(NewPerson)
    id, made = service.create(session, actor, **form.model_dump())
    session.flush()  # so that the answer holds what the database filled in
    created = queries.person(session, actor, id)
    assert created is not None
    session.refresh(created)
    return ok({**queries.shown_person(created), "password": made}, status=201)


@blueprint.get("/api/v1/users/<user_id>")
@requires(Permission.USERS_READ, of=queries.person)
def one(_actor: Actor, _session: Session, person: User) -> dict[str, Any]:
    return queries.shown_person(person)


@blueprint.patch("/api/v1/users/<user_id>")
@requires(Permission.USERS_MANAGE, of=queries.person, fresh=True)
def change(actor: Actor, session: Session, person: User) -> dict[str, Any]:
    form = body(PersonChange)
    service.change_person(session, actor, person, email=form.email, display_name=form.display_name)
    return queries.shown_person(person)


@blueprint.delete("/api/v1/users/<user_id>")
@requires(Permission.USERS_MANAGE, of=queries.person, fresh=True)
def remove(actor: Actor, session: Session, person: User) -> dict[str, Any]:
    """Delete a person. `GET …/deletion` says before what others would lose, and who could receive it."""
    form = body(Removal)
    if form.transfer_to is None:
        return {"deleted": True, "revocations": service.remove(session, actor, person)}
    person, receiver = service.prepared_to_receive(session, actor, person, parse_id(form.transfer_to))
    ended = service.remove(session, actor, person, receiver)
    return {"deleted": True, "revocations": ended, "transferred_to": receiver}


@blueprint.post("/api/v1/users/<user_id>/suspend")
@requires(Permission.USERS_MANAGE, of=queries.person, fresh=True)
def suspend(actor: Actor, session: Session, person: User) -> dict[str, Any]:
    ended = service.suspend(session, actor, person)
    return {**queries.shown_person(person), "revocations": ended}


@blueprint.post("/api/v1/users/<user_id>/reactivate")
@requires(Permission.USERS_MANAGE, of=queries.person, fresh=True)
def reactivate(actor: Actor, session: Session, person: User) -> dict[str, Any]:
    service.reactivate(session, actor, person)
    return queries.shown_person(person)


@blueprint.post("/api/v1/users/<user_id>/unlock")
@requires(Permission.USERS_MANAGE, of=queries.person, fresh=True)
def unlock(actor: Actor, session: Session, person: User) -> dict[str, Any]:
    """Open the front door that too many failures have closed; five times a day at most."""
    if lockout.is_locked(person.email_digest, person.id):
        if not lockout.may_unlock(person.email_digest):
            raise TooMany("This account was unlocked too often today. It opens by itself.", retry_after=900)
        service.unlock(session, actor, person)
    return queries.shown_person(person)


@blueprint.put("/api/v1/users/<user_id>/roles")
@requires(Permission.ROLES_GRANT, of=queries.person, fresh=True)
def set_roles(actor: Actor, session: Session, person: User) -> dict[str, Any]:
    form = body(Roles)
    service.set_roles(session, actor, person, form.roles, form.until)
    return queries.shown_person(person)


@blueprint.post("/api/v1/users/<user_id>/reset-password")
@requires(Permission.USERS_MANAGE, of=queries.person, limit="60/minute", fresh=True)
def reset_password(actor: Actor, _session: Session, person: User) -> dict[str, Any]:
    """Passwords are purpose `auth`'s alone: the change is made in a unit of work of its own."""
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        password, revoked = service.reset_password(session, actor, _again(session, actor, person))
    lockout.after_reset(person.email_digest, person.id)
    return {"id": person.id, "password": password, "api_keys_revoked": revoked}


@blueprint.post("/api/v1/users/<user_id>/reset-link")
@requires(Permission.USERS_MANAGE, of=queries.person, limit="60/minute", fresh=True)
def reset_link(actor: Actor, _session: Session, person: User) -> dict[str, Any]:
    """By mail where Onyx sends mail; else the link is in this answer and nowhere else."""
    settings = state().settings
    base = (settings.public_url or request.host_url).rstrip("/")
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        return service.reset_link(session, actor, _again(session, actor, person), base, settings.sends_mail)


@blueprint.delete("/api/v1/users/<user_id>/factors")
@requires(Permission.USERS_MANAGE, of=queries.person, fresh=True)
def remove_factors(actor: Actor, _session: Session, person: User) -> dict[str, Any]:
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        return {"removed": service.remove_factors(session, actor, _again(session, actor, person))}


def _again(session: Session, actor: Actor, person: User) -> User:
    """The same person in a unit of work for purpose `auth`. Raises NotFound for one deleted meanwhile."""
    user = queries.person(session, actor, person.id)
    if user is None:
        raise NotFound()
    return user


@blueprint.get("/api/v1/users/<user_id>/permissions")
@requires(Permission.USERS_READ, of=queries.person)
def permissions_of(actor: Actor, _session: Session, person: User) -> dict[str, Any]:
    shown = queries.shown_person(person)
    return {"user": shown, "permissions": queries.explained(person, actor.tenant_slug)}
