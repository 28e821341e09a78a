"""What a directory does to people: brought, changed, put out and removed, each through the same doors as an admin's."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access import lifecycle
from onyx.access.people import add_person, checked_name
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import Invalid
from onyx.identity.models import User as Person

from . import queries, shown
from .resources import User

FIRST_ROLE = "user"
_KEPT = ("name", "displayName", "emails", "userName")
_WRITE = """
insert into scim_user (user_id, external_id, attributes) values (%s, %s, %s::jsonb)
on conflict (user_id) do update set external_id = excluded.external_id, attributes = excluded.attributes, updated_at = now()
returning user_id
"""


def create(session: Session, actor: Actor, wanted: User) -> UUID:
    """Bring a person, without a password: they come in by single sign-on.

    Raises Conflict when somebody signs in by this name already.
    """
    name = checked_name(wanted.user_name or "")
    id = add_person(
        session, actor, email=name, name=_shown_name(wanted), roles=[FIRST_ROLE], password=None, any_name=True
    )
    session.flush()  # the person's row must be there before those that hang on it
    _keep(session, id, wanted)
    if wanted.active is False:
        lifecycle.suspend(session, actor, _known(session, id))
    return id


def change(session: Session, actor: Actor, row: Any, before: User, wanted: User) -> None:
    """Make a person what the directory says; `active: false` ends all that they have open, at once.

    Raises Conflict for a name that somebody else has, and for the last administrator.
    """
    user = _known(session, row.id)
    lifecycle.rename(session, actor, user, email=checked_name(wanted.user_name or ""), display_name=_shown_name(wanted))
    old, new = _kept(before), _kept(wanted)
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if changed or row.attributes is None:
        session.flush()  # the ORM's changes before the statement that follows them
        _keep(session, row.id, wanted)
        record(session, actor, Action.USER_CHANGED, target("user", row.id, user.email), attributes=changed)
    if wanted.active is False:
        lifecycle.suspend(session, actor, user)
    elif wanted.active and user.status != "active":
        lifecycle.reactivate(session, actor, user)
    session.flush()  # so that the answer shows what the database has now


def remove(session: Session, actor: Actor, row: Any) -> None:
    """Delete a person with all that is theirs; the trail keeps what they did."""
    lifecycle.remove(session, actor, _known(session, row.id))


def _known(session: Session, id: UUID) -> Person:
    return session.get_one(Person, id)


def _kept(resource: User) -> dict[str, Any]:
    said = resource.model_dump()
    kept = {name: said[name] for name in _KEPT if name in said}
    return kept | {"externalId": resource.external_id, "activeIsUnset": resource.active is None}


def _keep(session: Session, id: UUID, wanted: User) -> None:
    kept = _kept(wanted)
    external = kept.pop("externalId")
    text = json.dumps(kept)
    if len(text) > 16_000:
        raise Invalid("That is more about a person than Onyx keeps.")
    rows(session, _WRITE, id, external, text)


def _shown_name(wanted: User) -> str:
    name = wanted.name
    parts = [name.given_name, name.family_name] if name else []
    made = (name.formatted if name else None) or " ".join(part for part in parts if part)
    return (wanted.display_name or made or wanted.user_name or "").strip()[:120]


def resource(session: Session, id: UUID, base: str) -> User:
    """The person as the directory sees them now."""
    return shown.user_resource(queries.people(session, queries.Narrow(id=id))[0], base)
