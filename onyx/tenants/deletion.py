"""Deleting an organisation in two steps: asked for, then confirmed, both by typing its short name (T1).

The first closes it; until the second it can be taken back. After the second nothing brings it back: the steward
destroys its keys and data (removal.py) and leaves a signed certificate.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onyx.access.policy import PLATFORM_SLUG
from onyx.audit.actions import Action
from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.errors import Conflict, Invalid
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, current_scope
from onyx.identity import changes
from onyx.tenancy import requests
from onyx.tenancy.holds import hold_of
from onyx.tenancy.listing import Tenant
from onyx.tenancy.walls import control_plane

from .trail import told
from .turning import suspend

_ROW = """
select id, tenant_id, slug, name, state, reason, requested_at, requested_as, confirm_from, confirmed_at, confirmed_as,
       cancelled_at, cancelled_as, step, finished_at, certificate from deletion
"""
_ONE = f"{_ROW} where id = %s"
_OPEN = f"{_ROW} where tenant_id = %s and state in ('requested', 'confirmed')"
_DONE = f"{_ROW} where state = 'done' order by finished_at desc limit %s"
_LAST_OF = f"{_ROW} where slug = %s order by requested_at desc limit 1"


class Deletion(NamedTuple):
    """What is known of the deletion of one organisation; it outlives the organisation."""

    id: UUID
    tenant_id: UUID
    slug: str
    name: str
    state: str
    reason: str
    requested_at: datetime
    requested_as: str
    confirm_from: datetime
    confirmed_at: datetime | None
    confirmed_as: str | None
    cancelled_at: datetime | None
    cancelled_as: str | None
    step: str | None
    finished_at: datetime | None
    certificate: dict[str, Any] | None

    @property
    def may_be_confirmed(self) -> bool:
        return self.state == "requested" and self.confirm_from <= now()


def deletion(_session: Session, _actor: Actor, deletion_id: UUID) -> Deletion | None:
    """One deletion (a loader for `requires`)."""
    found = _found(current_scope(), _ONE, deletion_id)
    return found[0] if found else None


def open_deletion(scope: Scope, tenant: UUID) -> Deletion | None:
    """The deletion of a tenant that is asked for or under way."""
    found = _found(scope, _OPEN, tenant)
    return found[0] if found else None


def deletions(scope: Scope, size: int = 50) -> list[Deletion]:
    """The last deletions that were carried out, the newest first."""
    return _found(scope, _DONE, size)


def last_of(scope: Scope, slug: str) -> Deletion | None:
    """The newest deletion of that short name."""
    found = _found(scope, _LAST_OF, slug)
    return found[0] if found else None


def request(session: Session, actor: Actor, place: Tenant, *, typed: str, reason: str, wait: int) -> Deletion:
    """Ask for a deletion: the organisation closes at once; it can be confirmed `wait` seconds from now.

    Asked for a second time, the first one stands. Raises Invalid when the short name is not typed in full, Conflict for
    the platform's own tenant.
    """
    _may_be_deleted(place, typed)
    standing = open_deletion(current_scope(), place.id)
    if standing is not None:
        return standing
    if place.status == "active":
        place = suspend(session, actor, place).tenant
    id = uuid7()
    with told(actor, Action.TENANT_DELETION_REQUESTED, place, deletion=str(id)):
        asked = (id, place.id, typed, reason, actor.email or actor.name, wait)
        try:
            _must(
                asked, "select deletion_request(%s, %s, %s, %s, %s, %s)", "It cannot be deleted now. Look at it again."
            )
        except IntegrityError:
            raise Conflict("Somebody else has asked for the same meanwhile.") from None
    return _known(id)


def confirm(session: Session, actor: Actor, place: Tenant, *, typed: str, deletion_id: UUID) -> Deletion:
    """Have the steward delete an organisation whose deletion was asked for. Nothing brings it back.

    Raises Invalid when the short name is not typed in full, Conflict while the waiting time lasts, or when this
    deletion is not open.
    """
    _may_be_deleted(place, typed)
    standing = open_deletion(current_scope(), place.id)
    if standing is None or standing.id != deletion_id:
        raise Conflict("This deletion is not open any more. Ask for it anew.")
    if standing.state == "confirmed":
        return standing
    if standing.confirm_from > now():
        raise Conflict(f"It can be confirmed from {standing.confirm_from:%Y-%m-%d %H:%M} UTC on.")
    changes.tenant_changed(session, place.id, "tenant_suspended")
    with told(actor, Action.TENANT_DELETION_CONFIRMED, place, deletion=str(deletion_id)):
        asked = (deletion_id, typed, actor.email or actor.name)
        with requests.asking() as connection:
            _must_be(
                connection, asked, "select deletion_confirm(%s, %s, %s)", "It has changed meanwhile. Look at it again."
            )
            requests.place_in(connection, "delete_tenant", {"deletion": str(deletion_id)})
    return _known(deletion_id)


def cancel(actor: Actor, place: Tenant) -> Deletion:
    """Take a deletion back that is not confirmed; the organisation stays closed until it is opened again."""
    standing = open_deletion(current_scope(), place.id)
    if standing is None or standing.state != "requested":
        raise Conflict("There is no deletion that could be taken back.")
    with told(actor, Action.TENANT_DELETION_CANCELLED, place, deletion=str(standing.id)):
        asked = (standing.id, actor.email or actor.name)
        _must(asked, "select deletion_cancel(%s, %s)", "It was confirmed meanwhile: nothing brings it back.")
    return _known(standing.id)


def _may_be_deleted(place: Tenant, typed: str) -> None:
    if place.slug == PLATFORM_SLUG:
        raise Conflict("The platform itself cannot be deleted.")
    if place.status == "provisioning":
        raise Conflict("It is still being made: create it once more to finish it, then delete it.")
    if hold_of(current_scope(), place.id) is not None:
        raise Conflict("A legal hold keeps everything of this organisation. Lift it before you delete it.")
    if typed != place.slug:
        raise Invalid(fields={"slug": f"Type the short name, {place.slug}, to delete it."})


def _must(asked: tuple[Any, ...], statement: str, refusal: str) -> None:
    with requests.asking() as connection:
        _must_be(connection, asked, statement, refusal)


def _must_be(connection: Connection, asked: tuple[Any, ...], statement: str, refusal: str) -> None:
    """Raise Conflict, which takes back the transaction, unless the function says that it was done."""
    if not connection.exec_driver_sql(statement, asked).scalar_one():
        raise Conflict(refusal)


def _known(id: UUID) -> Deletion:
    return _found(current_scope(), _ONE, id)[0]


def _found(scope: Scope, statement: str, *values: Any) -> list[Deletion]:
    with control_plane(scope) as connection:
        return [Deletion(*row) for row in connection.exec_driver_sql(statement, values).all()]
