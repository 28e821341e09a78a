"""Legal holds (onyx.legal_hold): while a tenant has one, retention deletes nothing of it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from onyx.core.scope import Scope

from .walls import control_plane

_READ = "select since, set_as, reason, by_platform from legal_hold where tenant_id = %s"


class Hold(NamedTuple):
    """Since when everything is kept, who said so, and why; `by_platform`: the organisation itself cannot lift it."""

    since: datetime
    set_as: str
    reason: str
    by_platform: bool


def hold_of(scope: Scope, tenant: UUID | None = None) -> Hold | None:
    """The hold on a tenant, the scope's own unless another is named, which purpose `platform` alone may."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(_READ, (tenant or scope.tenant,)).one_or_none()
    return Hold(*found) if found else None


def begin(scope: Scope, named: str, why: str) -> bool:
    """Put a hold on the scope's tenant, purposes `admin` and `platform`; False when there is one already."""
    with control_plane(scope) as connection:
        return bool(connection.exec_driver_sql("select legal_hold_begin(%s, %s)", (named, why)).scalar_one())


def end(scope: Scope) -> bool:
    """Lift the hold of the scope's tenant; False when there is none, or the platform's under purpose `admin`."""
    with control_plane(scope) as connection:
        return bool(connection.exec_driver_sql("select legal_hold_end()").scalar_one())
