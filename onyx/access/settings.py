"""Changing what an organisation decides: checked as a whole, told with before and after, in force in a second (T10).

Its own administrators change what is theirs (purpose `admin`), through a function of the control plane that has a
closed list of names and takes the tenant from the signed context; platform admins change everything.
"""

import base64
import json
from dataclasses import dataclass
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

from .factor_policy import require_factor
from .session_policy import LOCK, MEANWHILE, NAMES, Policy, over, set_policy, tighten
from .telling import told_first
from .visiting import visiting

KEY = "model_key"  # as it is given; kept sealed under another name, and never shown
_SEALED = "model_key_sealed"
_READ = "select settings from tenant where id = %s"
_OWN = "select change_settings(%s::jsonb)"
_ANY = "update tenant set settings = jsonb_strip_nulls(settings || %s::jsonb) where id = %s returning true"
Changes = list[dict[str, Any]]


def change_own(session: Session, actor: Actor, wanted: dict[str, Any], defaults: Policy) -> TenantSettings:
    """Change settings of the actor's tenant, None bringing a default back; purpose `admin`.

    `defaults` are the installation's own times of login sessions.

    Raises Denied for what the platform decides, Invalid for what cannot be, and for networks without the actor's own.
    """
    if PLATFORM_ONLY & wanted.keys():
        raise Denied(
            f"Only the platform's administrators decide on {', '.join(sorted(PLATFORM_ONLY & wanted.keys()))}."
        )
    rest = {name: value for name, value in wanted.items() if name not in NAMES and name != "require_mfa"}
    checked({**settings_of(current_scope()).model_dump(), **wanted})  # all of it, before any of it
    if "require_mfa" in wanted:
        require_factor(session, actor, bool(wanted["require_mfa"]))
    if rest:
        _change(session, actor, actor.tenant_id, rest, own=True)
    if NAMES.keys() & wanted.keys():
        set_policy(actor, {name: wanted[name] for name in NAMES if name in wanted}, defaults)
    return settings_of(current_scope())


def change_of(
    session: Session, actor: Actor, place: Tenant, wanted: dict[str, Any], defaults: Policy
) -> TenantSettings:
    """Change any settings of any tenant; purpose `platform`. It stands in the platform's trail and in the tenant's."""
    settings, told, more = _change(session, actor, place.id, wanted, own=False)
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
    session: Session, actor: Actor, tenant: UUID, wanted: dict[str, Any], *, own: bool
) -> tuple[TenantSettings, Changes, dict[str, Any]]:
    """Write what differs: the settings as they are now, what changed, and what stands in the event beside that."""
    scope, wanted = current_scope(), _with_sealed_key(tenant, wanted)
    with control_plane(scope) as connection:
        planned = _plan(connection, actor, tenant, wanted)
    if not planned.names:
        return planned.after, [], {}
    changes.tenant_changed(session, tenant, changes.SETTINGS)
    where = target("tenant", tenant, actor.tenant_name if own else "")
    with told_first(actor, Action.SETTINGS_CHANGED, where, changes=planned.told, **planned.more):
        with control_plane(scope) as connection:
            connection.exec_driver_sql(LOCK, (str(tenant),))
            again = _plan(connection, actor, tenant, wanted)  # once more, now that nobody else changes them
            if (again.told, again.more) != (planned.told, planned.more):
                raise Conflict(MEANWHILE)
            _write(connection, tenant, wanted, again, own)
    return again.after, again.told, again.more


def _write(connection: Connection, tenant: UUID, wanted: dict[str, Any], planned: "_Plan", own: bool) -> None:
    values = {name: value for name, value in planned.kept.items() if name in wanted}
    written = json.dumps({**values, **{name: None for name in wanted if wanted[name] is None}})
    statement, arguments = (_OWN, (written,)) if own else (_ANY, (written, tenant))
    if not connection.exec_driver_sql(statement, arguments).scalar():
        raise Invalid()


@dataclass(frozen=True, slots=True)
class _Plan:
    """Settings before and after a change."""

    before: TenantSettings
    after: TenantSettings

    @property
    def kept(self) -> dict[str, Any]:
        return self.after.model_dump(mode="json")

    @property
    def names(self) -> list[str]:
        return [name for name, was in self.before.model_dump(mode="json").items() if was != self.kept[name]]

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
    planned = _Plan(of(raw), checked({**of(raw).model_dump(), **wanted}))
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
