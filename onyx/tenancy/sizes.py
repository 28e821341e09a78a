"""How large and how busy tenants are, as the steward measured them last; for purpose `platform` alone."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from onyx.core.scope import Scope

from .walls import control_plane

_SIZES = """
select s.tenant_id, s.measured_at, s.database_bytes, s.file_bytes, s.files, s.chats, s.messages, s.logs_from,
       (select coalesce(sum(d.messages), 0)::bigint from tenant_day d
         where d.tenant_id = s.tenant_id and d.day > current_date - 7) as messages_week,
       (select max(d.day) from tenant_day d where d.tenant_id = s.tenant_id and d.events > 0) as last_active
  from tenant_size s where s.tenant_id = any (%s)
"""
_DAYS = """
select g.day::date as day, coalesce(d.events, 0) as events, coalesce(d.messages, 0) as messages,
       coalesce(d.sign_ins, 0) as sign_ins
  from generate_series(current_date - %s::integer + 1, current_date, interval '1 day') as g(day)
  left join tenant_day d on d.tenant_id = %s and d.day = g.day::date order by 1
"""


class Size(NamedTuple):
    """Bytes and numbers of one tenant; `logs_from` is the first day of the oldest month in its log, `last_active` the
    last day (UTC) on which anything happened there.
    """

    measured_at: datetime
    database_bytes: int
    file_bytes: int
    files: int
    chats: int
    messages: int
    logs_from: date | None
    messages_week: int
    last_active: date | None


class Day(NamedTuple):
    """What happened in one tenant on one day (UTC)."""

    day: date
    events: int
    messages: int
    sign_ins: int


def sizes(scope: Scope, ids: list[UUID]) -> dict[UUID, Size]:
    """The sizes of those of some tenants that have been measured."""
    with control_plane(scope) as connection:
        return {row[0]: Size(*row[1:]) for row in connection.exec_driver_sql(_SIZES, (ids,)).all()}


def days(scope: Scope, id: UUID, how_many: int = 30) -> list[Day]:
    """The last days of a tenant, the oldest first, today included; quiet ones too."""
    with control_plane(scope) as connection:
        return [Day(*row) for row in connection.exec_driver_sql(_DAYS, (how_many, id)).all()]


class Isolation(NamedTuple):
    """How the newest check of a tenant's isolation went; `failed` is how many of its questions did."""

    passed: bool
    failed: int
    checked_at: datetime


def isolation_of(scope: Scope, id: UUID) -> Isolation | None:
    """The newest result of the isolation check."""
    statement = "select passed, failed, checked_at from isolation_status where tenant_id = %s"
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(statement, (id,)).all()
    return Isolation(*found[0]) if found else None
