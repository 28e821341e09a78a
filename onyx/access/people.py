"""Bringing a person into a tenant: used by admins, by the command line and by provisioning."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import rows, violated
from onyx.core.errors import Conflict, Denied, Invalid
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope
from onyx.core.secrets import email_digest
from onyx.identity.addresses import is_address, is_seen, plain
from onyx.identity.models import Credential, Profile, User, UserRole
from onyx.tenancy.settings import bare_domain, settings_of
from onyx.tenancy.walls import control_plane

from . import lasting
from .new_password import hashed
from .policy import HELD_APART, KEEPS_ADMIN, permissions_of, roles_for
from .quotas import reached


def add_person(
    session: Session, actor: Actor, *, email: str, name: str, roles: list[str], password: str | None,
    any_name: bool = False, until: Mapping[str, datetime] | None = None,
) -> UUID:  # fmt: skip
    """Create a person with roles and, if given, a password. Purposes `admin` and `job:provision`.

    Raises Invalid for a malformed e-mail or role, Denied for a role that gives what the actor lacks, Conflict when
    the e-mail is taken in this tenant, PeopleQuotaReached when there may be no more people. The directory's line is
    written first; alone it lets nobody in. With `any_name` the name under which somebody signs in need not be an
    e-mail: a directory decides. `until` says when some of the roles end.
    """
    email = checked_name(email) if any_name else checked_email(email)
    must_be_of_a_domain(email)
    wanted = grantable_roles(session, actor, roles, until)
    ends = lasting.checked_ends(wanted, until)
    digest = email_digest(email)
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select directory_add(%s)", (digest,))
    # Before the row, which may have to wait for others who add people just now.
    kept = hashed(current_scope(), password, email, name) if password is not None else None
    id = uuid7()
    session.add(User(id=id, email=email, email_digest=digest))
    _take_seat(session)
    session.add(Profile(user_id=id, display_name=name.strip() or email, preferences={}))
    session.add_all(
        UserRole(user_id=id, role=role, granted_by=actor.user_id, expires_at=ends.get(role)) for role in wanted
    )
    lasting.mark_ends(ends)
    if kept is not None:
        session.add(Credential(user_id=id, password_hash=kept))
    record(session, actor, Action.USER_CREATED, target("user", id, email), roles=lasting.told(wanted, ends))
    if _gives_apart(session, actor, wanted):
        record(session, actor, Action.AUDITOR_APPOINTED, target("user", id, email))
    return id


def _take_seat(session: Session) -> None:
    """Write the person's row before those that hang on it, so that a taken e-mail and a full house are told as such."""
    try:
        session.flush()
    except DBAPIError as error:
        if violated(error) == "app_user_email_unique":
            raise Conflict("Somebody with this e-mail is here already.") from None
        raise reached(error) or error from None


def checked_email(email: str) -> str:
    """The address in its one spelling, lower-cased. Raises Invalid for what is not exactly one address."""
    email = plain(email)
    if not is_address(email):
        raise Invalid(fields={"email": "Give an e-mail address."})
    return email


def must_be_of_a_domain(email: str, domains: tuple[str, ...] | None = None) -> None:
    """Raise Invalid for an address outside the domains that the scope's tenant allows, if it names any (T10)."""
    domains = settings_of(current_scope()).email_domains if domains is None else domains
    if domains and bare_domain(email.rpartition("@")[2]) not in domains:
        raise Invalid(fields={"email": f"Your organisation allows addresses of {', '.join(domains)} only."})


def checked_name(name: str) -> str:
    """A name to sign in with, in its one spelling, lower-cased; an e-mail or not. Raises Invalid."""
    name = plain(name)
    if not name or len(name) > 254 or not is_seen(name) or ("@" in name and not is_address(name, labels=1)):
        raise Invalid(fields={"userName": "Give a name without blanks, of 254 characters at most."})
    return name


def checked_roles(session: Session, actor: Actor, roles: list[str]) -> list[str]:
    """The roles, known and grantable now. Raises Invalid for unknown ones, Denied for more than the actor holds (I2)."""
    own = _own_roles(session, roles)
    known = {role.value for role in roles_for(actor.tenant_slug)}
    if not roles or not set(roles) <= known | own.keys():
        raise Invalid(fields={"roles": f"Choose from {', '.join(sorted(known))} and your organisation's own roles."})
    if actor.for_a_person:
        for role in set(roles):
            lacking = permissions_of((role,), actor.tenant_slug, own.get(role, ())) - actor.permissions
            if lacking - (HELD_APART if administers(actor) else frozenset()):
                raise Denied(f"You cannot grant the role {role}: it allows more than you may do yourself.")
    return sorted(set(roles))


def grantable_roles(
    session: Session, actor: Actor, roles: list[str], until: Mapping[str, datetime] | None = None
) -> list[str]:
    """checked_roles() for grants that are new, lasting but for those that `until` gives an end.

    Raises OnlyForATime for what the actor would give for longer than they hold it.
    """
    wanted = checked_roles(session, actor, roles)
    if actor.for_a_person:
        own, ends = _own_roles(session, wanted), until or {}
        given = [(permissions_of((role,), actor.tenant_slug, own.get(role, ())), ends.get(role)) for role in wanted]
        lasting.must_not_outlast(actor, lasting.may_give_until(session, actor), given)
    return wanted


def administers(actor: Actor) -> bool:
    """Whether somebody has the administration of the whole tenant: both people and their roles.

    A role of the tenant's own with one of the two does not appoint auditors, who see more than it does.
    """
    return actor.permissions >= KEEPS_ADMIN


def _gives_apart(session: Session, actor: Actor, roles: list[str]) -> bool:
    """Whether any of these roles gives what is held apart from administration."""
    own = _own_roles(session, roles)
    return any(permissions_of((role,), actor.tenant_slug, own.get(role, ())) & HELD_APART for role in roles)


def _own_roles(session: Session, roles: list[str]) -> dict[str, list[str]]:
    """What those of the roles give that are the tenant's own."""
    return {row.key: row.permissions for row in rows(session, _OWN_ROLES, roles)}


_OWN_ROLES = "select key, permissions from role where key = any(%s)"
