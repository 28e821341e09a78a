"""Where wrapped keys lie (onyx.tenant_key, onyx.user_key), for the application and for the owner.

The application reads and adds in short transactions of their own, with purpose `job:keyring`, which no request's
context has; tenant and person come from the signed context. The owner's connection says them in the statement.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from onyx.core.scope import Scope

from .walls import control_plane

Owner = psycopg.Connection[Any]
_READ = "select kind, version, wrapped, master, tenant_version, retired from onyx.wrapped_keys()"
_READ_AS_OWNER = """
select 'master', 0, null::bytea, id, null::integer, false from onyx.master_key where retired_at is null
union all
select 'tenant', version, wrapped, master, null, retired_at is not null from onyx.tenant_key where tenant_id = %(tenant)s
union all
select 'user', version, wrapped, null, tenant_version, retired_at is not null
  from onyx.user_key where tenant_id = %(tenant)s and user_id = %(user)s
"""
_ADD_TENANT_AS_OWNER = """
insert into onyx.tenant_key (tenant_id, version, wrapped, master)
select %(tenant)s, 1, %(wrapped)s, %(by)s where not exists (select 1 from onyx.tenant_key where tenant_id = %(tenant)s)
on conflict do nothing
"""
_ADD_USER_AS_OWNER = """
insert into onyx.user_key (tenant_id, user_id, version, wrapped, tenant_version)
select %(tenant)s, %(user)s, 1, %(wrapped)s, %(by)s
 where not exists (select 1 from onyx.user_key where tenant_id = %(tenant)s and user_id = %(user)s)
   and not exists (select 1 from onyx.erasure where tenant_id = %(tenant)s and user_id = %(user)s)
on conflict do nothing
"""


class Wrapped(NamedTuple):
    """A line of the store; kind `master` alone names the master key that wraps now."""

    kind: str
    version: int
    wrapped: bytes
    master: bytes
    tenant_version: int
    retired: bool


def read(tenant: UUID, user: UUID | None, owner: Owner | None) -> list[Wrapped]:
    """The wrapped keys of a tenant, and of one of its people, in one round trip."""
    if owner is not None:
        found: Sequence[Any] = owner.execute(_READ_AS_OWNER, {"tenant": tenant, "user": user}).fetchall()
    else:
        with control_plane(Scope(tenant, "job:keyring", user)) as connection:
            found = connection.exec_driver_sql(_READ).all()
    return [Wrapped(row[0], row[1], bytes(row[2] or b""), bytes(row[3] or b""), row[4] or 0, row[5]) for row in found]


def add_tenant_key(tenant: UUID, wrapped: bytes, by: bytes, owner: Owner | None) -> None:
    """Store a tenant's first key, unless somebody was faster."""
    if owner is not None:
        owner.execute(_ADD_TENANT_AS_OWNER, {"tenant": tenant, "wrapped": wrapped, "by": by})
        return
    with control_plane(Scope(tenant, "job:keyring")) as connection:
        connection.exec_driver_sql("select onyx.tenant_key_add(%s, %s)", (wrapped, by))


def add_user_key(tenant: UUID, user: UUID, wrapped: bytes, by: int, owner: Owner | None) -> None:
    """Store a person's first key, unless somebody was faster, or the person was erased."""
    if owner is not None:
        owner.execute(_ADD_USER_AS_OWNER, {"tenant": tenant, "user": user, "wrapped": wrapped, "by": by})
        return
    with control_plane(Scope(tenant, "job:keyring", user)) as connection:
        connection.exec_driver_sql("select onyx.user_key_add(%s, %s)", (wrapped, by))
