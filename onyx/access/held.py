"""What somebody holds at this moment: built-in roles, the tenant's own ones, and for how long (I2).

The SQL parts go into a statement that reads `app_user u`. A grant counts until the moment at which it ends; the job
roles.expire only tidies up afterwards.
"""

from typing import Any
from uuid import UUID

from onyx.core.clock import now
from onyx.core.db import rows, unit_of_work
from onyx.core.scope import Scope, tenant_scope
from onyx.identity.models import User, UserRole
from onyx.tenancy.walls import control_plane

from .policy import permissions_of

_LIVE = "r.user_id = u.id and (r.expires_at is null or r.expires_at > now())"
ROLES = f"array(select r.role from user_role r where {_LIVE} order by r.role) as roles"
# Permissions through roles of the tenant's own, and the moment (Unix time) at which something of all this ends.
EXTRA = f"""array(select distinct given from user_role r join role c on c.key = r.role
         cross join unnest(c.permissions) as given where {_LIVE} order by given) as extra"""
UNTIL = """(select extract(epoch from min(r.expires_at))::float8 from user_role r
         where r.user_id = u.id and r.expires_at > now()) as until"""


def live(held: UserRole) -> bool:
    """Whether a grant has not run out."""
    return held.expires_at is None or held.expires_at > now()


def roles_held(user: User) -> list[str]:
    """The keys of all roles that a loaded person holds now, sorted."""
    return sorted(held.role for held in user.roles if live(held))


def permissions_held(user: User, tenant_slug: str) -> frozenset[str]:
    """All that a loaded person may do now. Needs a purpose that may read roles: `admin` or `auth`."""
    extra = {p for held in user.roles if live(held) and held.custom for p in held.custom.permissions}
    return permissions_of(roles_held(user), tenant_slug, extra)


def until(user: User) -> dict[str, Any]:
    """When grants end that do, by role."""
    return {held.role: held.expires_at for held in user.roles if held.expires_at is not None and live(held)}


def who_may(tenant: UUID, users: list[UUID], permission: str) -> set[UUID]:
    """Which of some people may do something now, by PostgreSQL."""
    with control_plane(Scope(tenant, "auth")) as connection:
        slug = connection.exec_driver_sql("select slug from tenant where id = %s", (tenant,)).scalar_one()
    with tenant_scope(tenant, "auth"), unit_of_work() as session:
        found = rows(session, _MAY, users)
    return {row.id for row in found if permission in permissions_of(row.roles, slug, row.extra)}


_MAY = f"select u.id, {ROLES}, {EXTRA} from app_user u where u.id = any(%s)"
