"""Which tenants there are, for purpose `platform` alone."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from onyx.core.db import control_engine, db
from onyx.core.scope import Scope
from onyx.core.wire import Fixed, run_alone

from .slugs import skeleton
from .walls import control_plane

_ROW = "select id, slug, name, status, settings, created_at, suspended_at, archived_at from tenant"
_FIND = Fixed("select id, slug, name, status from onyx.find_tenant(decode(%s, 'hex'))")

# In these states the schema is not there, or not for long.
UNREADABLE = frozenset({"provisioning", "deleting"})


class Tenant(NamedTuple):
    """One organisation, as the control plane knows it."""

    id: UUID
    slug: str
    name: str
    status: str
    settings: dict[str, Any]
    created_at: datetime
    suspended_at: datetime | None
    archived_at: datetime | None = None


def tenants(scope: Scope, size: int, after: UUID | None = None, q: str = "", status: str = "") -> list[Tenant]:
    """Up to `size` tenants by id, the oldest first; `q` is a part of slug or name."""
    statement = (
        f"{_ROW} where (%s::uuid is null or id > %s) and (%s = '' or status = %s)"
        " and (%s = '' or position(lower(%s) in slug) > 0 or position(lower(%s) in lower(name)) > 0)"
        " order by id limit %s"
    )
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(statement, (after, after, status, status, q, q, q, size)).all()
    return [Tenant(*row) for row in found]


def tenant(scope: Scope, id: UUID | None = None, slug: str | None = None) -> Tenant | None:
    """One tenant by id or slug."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(f"{_ROW} where id = %s or slug = %s", (id, slug)).all()
    return Tenant(*found[0]) if found else None


def names_of(scope: Scope, ids: list[UUID]) -> dict[UUID, str]:
    """The short names of those of some tenants that are there."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql("select id, slug from tenant where id = any(%s)", (ids,))
        return {row[0]: row[1] for row in found}


def looks_like(scope: Scope, slug: str) -> str | None:
    """The short name of another tenant that the eye takes for this one."""
    with control_plane(scope) as connection:
        found: str | None = connection.exec_driver_sql(
            "select slug from tenant where skeleton = %s and slug <> %s", (skeleton(slug), slug)
        ).scalar_one_or_none()
    return found


def tenant_by_slug(slug: str) -> Tenant | None:
    """The tenant behind a short name, before anybody is known; an active one alone."""
    with db.engine.begin() as connection:
        id = connection.exec_driver_sql("select onyx.find_slug(%s)", (slug,)).scalar_one()
    found = tenant(Scope(id, "auth"), id) if id else None
    return found if found is not None and found.status == "active" else None


def tenants_of(email_digest: bytes, slug: str | None) -> list[Any]:
    """Where somebody signs in with this e-mail (id, slug, name, status); only in the one named, if one is."""
    wanted = (slug or "").strip().lower()
    with control_engine().begin() as connection:
        found = run_alone(connection, _FIND, (email_digest.hex(),))
    return [row for row in found if not wanted or row.slug == wanted]


def place(id: UUID, user: UUID | None = None) -> Any | None:
    """A tenant (id, slug, name, status) for those who are not signed in yet, from an id that Onyx vouched for."""
    with control_plane(Scope(id, "auth", user)) as connection:
        return connection.exec_driver_sql(
            "select id, slug, name, status from tenant where id = %s", (id,)
        ).one_or_none()


def every_tenant(scope: Scope, page: int = 200) -> Iterator[Tenant]:
    """All tenants that have a schema, open or not, read in pages."""
    after: UUID | None = None
    while found := tenants(scope, page, after):
        yield from (row for row in found if row.status not in UNREADABLE)
        after = found[-1].id


def notes_of(scope: Scope, id: UUID) -> str:
    """What platform admins have written down about a tenant."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql("select body from tenant_note where tenant_id = %s", (id,))
        return found.scalar_one_or_none() or ""


def people_counts(scope: Scope, ids: list[UUID]) -> dict[UUID, int]:
    """How many people each of the tenants has."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql("select tenant_id, people from people_counts(%s)", (ids,)).all()
    return {row[0]: row[1] for row in found}
