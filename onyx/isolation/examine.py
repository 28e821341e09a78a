"""All questions of the isolation check, put to the running installation for one tenant."""

import json
from typing import Any
from uuid import UUID

from onyx.core.db import engine_of
from onyx.core.scope import Scope
from onyx.edge import strays
from onyx.edge.state import state
from onyx.edge.store import Away
from onyx.tenancy import boot_check, catalogue
from onyx.tenancy.attempts import Check, attempts
from onyx.tenancy.walls import control_plane

_AROUND = "onyx:isolation:around"
_AROUND_SECONDS = 60
_MOST = 40


def examine(tenant: UUID) -> list[Check]:
    """Every check of one tenant; needs an app context. Raises Unavailable when PostgreSQL is away."""
    neighbour, version, wanted = _known(tenant)
    return [
        _catalogue(tenant, version, wanted),
        *attempts(tenant, neighbour),
        *_around(),
    ]


def _known(tenant: UUID) -> tuple[UUID | None, int, frozenset[str] | None]:
    """The tenant that is attacked (the next one by id), this one's version, and what its catalogue should say."""
    with control_plane(Scope(tenant, "job:isolation")) as connection:
        neighbour = connection.exec_driver_sql("select isolation_neighbour()").scalar()
        version = connection.exec_driver_sql("select isolation_version()").scalar_one()
        return neighbour, version, catalogue.reference(connection, version)


def _catalogue(tenant: UUID, version: int, wanted: frozenset[str] | None) -> Check:
    title = "Tables, policies, grants, functions and the role are what the migrations make"
    if wanted is None:
        return Check("catalogue", title, (f"nothing is known of version {version}: run `flask migrate`",))
    with engine_of(Scope(tenant, "auth")).begin() as connection:
        there = catalogue.lines(connection, tenant)
    differ = [f"missing: {line}" for line in sorted(wanted - there)]
    differ += [f"not from the migrations: {line}" for line in sorted(there - wanted)]
    return Check("catalogue", title, tuple(line[:400] for line in differ[:_MOST]))


def _around() -> list[Check]:
    """What is the same for all tenants, looked at once a minute: roles, Redis, rooms, files."""
    here = state()
    try:
        kept = here.store.call(here.store.client.get, _AROUND)
        if kept:
            return [Check(one["name"], one["title"], tuple(one["found"])) for one in json.loads(kept)]
    except Away:
        return _look_around()
    found = _look_around()
    told: list[dict[str, Any]] = [{"name": c.name, "title": c.title, "found": c.found} for c in found]
    try:
        here.store.call(here.store.client.set, _AROUND, json.dumps(told), ex=_AROUND_SECONDS)
    except Away:
        return found
    return found


def _look_around() -> list[Check]:
    fell, loose = boot_check.look()
    tenants = _every_tenant()
    return [
        Check("walls", "The walls that every start checks stand", tuple(fell)),
        Check("belts", "The belts that need a superuser are on", tuple(loose)),
        Check("redis_keys", "Every key in Redis names its organisation", _keys(tenants)),
        Check("rooms", "Every room of live updates names its organisation", _rooms()),
        Check("files", "Every file lies in its organisation's folder", _files(tenants)),
    ]


def _every_tenant() -> set[UUID]:
    with control_plane(Scope(state().platform, "job:control")) as connection:
        return set(connection.exec_driver_sql("select id from tenant").scalars())


def _keys(tenants: set[UUID]) -> tuple[str, ...]:
    try:
        return tuple(strays.stray_keys(state().store, tenants))
    except Away:
        return ("Redis does not answer: its keys were not looked at",)


def _rooms() -> tuple[str, ...]:
    try:
        found, silent = strays.stray_rooms(state().store, state().bus.receipts.alive())
    except Away:
        return ("Redis does not answer: the processes could not be asked",)
    return (*found, *(f"the process {name} has not told of its rooms" for name in silent))


def _files(tenants: set[UUID]) -> tuple[str, ...]:
    return tuple(strays.stray_files(state().settings.onyx_var, tenants))
