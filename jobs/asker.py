"""Who asked for a job, believed only as far as PostgreSQL confirms it at the moment when the job runs (S5, T8)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from onyx.access import held
from onyx.access.policy import Permission, permissions_of
from onyx.core.db import rows, unit_of_work
from onyx.core.ids import parse_id
from onyx.core.scope import Scope, tenant_scope
from onyx.tenancy.walls import control_plane


class Refused(Exception):
    """A job that names no tenant or nobody who asked, or whose asker may no longer ask."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, for which tenant, and whether for all tenants; `user` is None for the schedule."""

    tenant: UUID
    everywhere: bool
    user: UUID | None = None
    session: UUID | None = None
    email: str = ""

    @property
    def shown(self) -> str:
        return self.email or "schedule"

    @property
    def meta(self) -> dict[str, str]:
        """The same asker once more, for a job that goes on later."""
        if self.user is None or self.session is None:
            return {"kind": "schedule"}
        return {"kind": "user", "user": self.user.hex, "session": self.session.hex, "email": self.email}


_STILL = f"""
select u.email, {held.ROLES}, {held.EXTRA}
  from app_user u join login_session s on s.user_id = u.id
 where u.id = %s and s.id = %s and u.status = 'active' and s.state = 'active'
"""


def identify(meta: dict[str, Any], platform: UUID) -> Asker:
    """The one who asked, from a job's meta. Raises Refused."""
    tenant, actor = parse_id(meta.get("tenant")), meta.get("actor")
    if tenant is None or not isinstance(actor, dict):
        raise Refused("a job must carry the tenant and who asked for it")
    if actor.get("kind") == "schedule":
        if tenant != platform:
            raise Refused("the schedule belongs to the platform")
        return Asker(tenant, everywhere=True)
    user, session = parse_id(actor.get("user")), parse_id(actor.get("session"))
    if actor.get("kind") != "user" or user is None or session is None:
        raise Refused("a job must say who asked for it")
    email, everywhere = _confirmed(tenant, user, session)
    return Asker(tenant, everywhere, user, session, email)


def _confirmed(tenant: UUID, user: UUID, session: UUID) -> tuple[str, bool]:
    """The asker's e-mail, if the person, the login session and the permission still are there; and whether they look
    after all tenants, which not everybody in the platform's own does.
    """
    with control_plane(Scope(tenant, "auth", user, session)) as connection:
        place = connection.exec_driver_sql("select slug, status from tenant where id = %s", (tenant,)).one_or_none()
    if place is None or place.status != "active":
        raise Refused("this organisation is not active")
    with tenant_scope(tenant, "auth", user, session), unit_of_work() as opened:
        found = rows(opened, _STILL, user, session)
    may = permissions_of(found[0].roles, place.slug, found[0].extra) if found else frozenset()
    if Permission.JOBS_RUN not in may:
        raise Refused("whoever asked for this job may not ask for it any more")
    return found[0].email, Permission.TENANTS_READ in may
