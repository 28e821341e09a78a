"""Changing what an organisation decides: checked as a whole, told with before and after, in force in a second (T10).

Its own administrators change what is theirs (purpose `admin`), through a function of the control plane that has a
closed list of names and takes the tenant from the signed context; platform admins change everything.
"""

import base64
import json
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.errors import Conflict, Denied, Invalid
from onyx.core.networks import is_inside
from onyx.core.scope import current_scope
from onyx.identity import changes
from onyx.tenancy import sealed
from onyx.tenancy.listing import Tenant
from onyx.tenancy.sealed_settings import BELONGS, USE
from onyx.tenancy.settings import PLATFORM_ONLY, TenantSettings, checked, of, settings_of
from onyx.tenancy.walls import control_plane

from .factor_policy import must_have_factor
from .session_policy import LOCK, MEANWHILE, NAMES, Policy, over, tighten
from .telling import told_first
from .visiting import visiting

KEY = "model_key"  # as it is given; kept sealed under another name, and never shown
_SEALED = "model_key_sealed"
_READ = "select settings from tenant where id = %s"
_OWN = "select change_settings(%s::jsonb)"
_SESSIONS = "select set_session_policy(%s, %s, %s, %s)"
_FACTOR = "select require_factor(%s)"
FACTOR = "require_mfa"
_ANY = "update tenant set settings = jsonb_strip_nulls(settings || %s::jsonb) where id = %s returning true"
Changes = list[dict[str, Any]]


def change_own(session: Session, actor: Actor, wanted: dict[str, Any], defaults: Policy) -> TenantSettings:
    """Change settings of the actor's tenant, None bringing a default back; purpose `admin`.

    `defaults` are the installation's own times of login sessions.

    Raises Denied for what the platform decides, Invalid for what cannot be, and for networks without the actor's own,
    Conflict where somebody else changed the same meanwhile, or for a required factor that the actor has not set up.
    """
    if PLATFORM_ONLY & wanted.keys():
        raise Denied(
            f"Only the platform's administrators decide on {', '.join(sorted(PLATFORM_ONLY & wanted.keys()))}."
        )
    checked({**settings_of(current_scope()).model_dump(), **wanted})  # all of it, before any of it
    return _change(session, actor, actor.tenant_id, wanted, defaults)[0]


def change_of(
    session: Session, actor: Actor, place: Tenant, wanted: dict[str, Any], defaults: Policy
) -> TenantSettings:
    """Change any settings of any tenant; purpose `platform`. It stands in the platform's trail and in the tenant's."""
    settings, told, more = _change(session, actor, place.id, wanted, None)
    if told or more:
        where = target("tenant", place.id, place.slug)
        with visiting(actor, place.id, place.slug, place.name) as (inside, visitor):
            if place.id != actor.tenant_id:
                record(inside, visitor, Action.SETTINGS_CHANGED, where, changes=told, **more)
            if {one["path"] for one in told} & NAMES.keys():
                tighten(inside, visitor, over(settings.model_dump(), defaults))
    return settings


def shown(settings: TenantSettings) -> dict[str, Any]:
    """All settings by their names, for those who may change some; of the model's key only whether there is one."""
    found = settings.model_dump(mode="json")
    return {**found, "model_key_set": found.pop(_SEALED) is not None}


def model_key(tenant: UUID, settings: TenantSettings) -> str | None:
    """The key of the tenant's own model provider. Raises ValueError for one that was sealed elsewhere."""
    if settings.model_key_sealed is None:
        return None
    return sealed.unseal(USE, base64.b64decode(settings.model_key_sealed), BELONGS, tenant=tenant).decode()


def _change(
    session: Session, actor: Actor, tenant: UUID, wanted: dict[str, Any], defaults: Policy | None
) -> tuple[TenantSettings, Changes, dict[str, Any]]:
    """Write what differs, all of it in one transaction of the control plane or none: the settings as they are now, what
    changed, and what stands in the event beside that. `defaults` are given where the tenant's own people change them.
    """
    scope, wanted = current_scope(), _with_sealed_key(tenant, wanted)
    with control_plane(scope) as connection:
        planned = _plan(connection, actor, tenant, wanted)
    if not planned.names:
        return planned.after, [], {}
    with ExitStack() as events:
        for event in _told(session, actor, tenant, planned, defaults):
            events.enter_context(event)
        with control_plane(scope) as connection:
            connection.exec_driver_sql(LOCK, (str(tenant),))
            again = _plan(connection, actor, tenant, wanted)  # once more, now that nobody else changes them
            if (again.told, again.more) != (planned.told, planned.more):
                raise Conflict(MEANWHILE)
            (_write if defaults is None else _write_own)(connection, tenant, again)
    return again.after, again.told, again.more


def _told(
    session: Session, actor: Actor, tenant: UUID, planned: "_Plan", defaults: Policy | None
) -> Iterator[AbstractContextManager[None]]:
    """The events of a change, and notices to all processes: of how people sign in, how long sessions last, the rest."""
    where, told = target("tenant", tenant, "" if defaults is None else actor.tenant_name), planned.told
    if defaults is not None:
        names = set(planned.names)
        if FACTOR in names:
            must_have_factor(actor, planned.after.require_mfa)
            changes.tenant_changed(session, tenant, changes.FACTOR_POLICY)
            how = [change("require_factor", planned.before.require_mfa, planned.after.require_mfa)]
            yield told_first(actor, Action.SIGN_IN_POLICY_CHANGED, where, changes=how)
        if names & NAMES.keys():
            old, new = (over(some.model_dump(), defaults) for some in (planned.before, planned.after))
            long = [change(name, old.told()[name], new.told()[name]) for name in NAMES if name in names]
            also = partial(tighten, actor=actor, policy=new)
            yield told_first(actor, Action.SESSION_POLICY_CHANGED, where, also=also, changes=long)
        told = [one for one in told if one["path"] != FACTOR and one["path"] not in NAMES]
    if told or planned.more:
        changes.tenant_changed(session, tenant, changes.SETTINGS)
        yield told_first(actor, Action.SETTINGS_CHANGED, where, changes=told, **planned.more)


def _write(connection: Connection, tenant: UUID, planned: "_Plan") -> None:
    if not connection.exec_driver_sql(_ANY, (planned.written(planned.names), tenant)).scalar():
        raise Invalid()


def _write_own(connection: Connection, _tenant: UUID, planned: "_Plan") -> None:
    """The same through the functions that take the tenant from the signed context, each with a closed list."""
    names = set(planned.names)
    rest = names - NAMES.keys() - {FACTOR}
    if rest and not connection.exec_driver_sql(_OWN, (planned.written(rest),)).scalar():
        raise Invalid()
    if names & NAMES.keys():
        connection.exec_driver_sql(_SESSIONS, tuple(planned.kept[name] for name in NAMES))
    if FACTOR in names:
        connection.exec_driver_sql(_FACTOR, (planned.after.require_mfa,))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Settings before and after a change."""

    before: TenantSettings
    after: TenantSettings
    wanted: dict[str, Any]

    @property
    def kept(self) -> dict[str, Any]:
        return self.after.model_dump(mode="json")

    @property
    def names(self) -> list[str]:
        return [name for name, was in self.before.model_dump(mode="json").items() if was != self.kept[name]]

    def written(self, names: Collection[str]) -> str:
        """Some settings as they are stored: null for those whose default came back."""
        return json.dumps({name: None if self.wanted.get(name) is None else self.kept[name] for name in names})

    @property
    def told(self) -> Changes:
        """Before and after of everything but the key."""
        old, new = self.before.model_dump(mode="json"), self.kept
        return [change(name, old[name], new[name]) for name in self.names if name != _SEALED]

    @property
    def more(self) -> dict[str, Any]:
        return {"model_key_changed": True} if _SEALED in self.names else {}


def _plan(connection: Connection, actor: Actor, tenant: UUID, wanted: dict[str, Any]) -> _Plan:
    """What a change would make of the settings as they are. Raises Invalid."""
    raw = dict(connection.exec_driver_sql(_READ, (tenant,)).scalar_one())
    planned = _Plan(of(raw), checked({**of(raw).model_dump(), **wanted}), wanted)
    moves = "model_base_url" in planned.names and planned.before.model_key_sealed and _SEALED not in wanted
    if moves:
        told = "Give the key of the new service, or null for none: the one that is here is not for others."
        raise Invalid(fields={KEY: told})
    allowed = planned.after.ip_allow
    theirs = actor.tenant_id == tenant and actor.for_a_person
    if theirs and "ip_allow" in planned.names and allowed and not is_inside(actor.request.ip, allowed):
        told = (
            f"Your own address, {actor.request.ip or 'which nobody knows'}, must be in it, or you could not come back."
        )
        raise Invalid(fields={"ip_allow": told})
    return planned


def _with_sealed_key(tenant: UUID, wanted: dict[str, Any]) -> dict[str, Any]:
    if KEY not in wanted:
        gone = "model_base_url" in wanted and not wanted["model_base_url"]
        return {**wanted, _SEALED: None} if gone else wanted
    rest = {name: value for name, value in wanted.items() if name != KEY}
    if not wanted[KEY]:
        return {**rest, _SEALED: None}
    hidden = sealed.seal(USE, wanted[KEY].encode(), BELONGS, tenant=tenant)
    return {**rest, _SEALED: base64.b64encode(hidden).decode()}
