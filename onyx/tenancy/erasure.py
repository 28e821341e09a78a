"""The memory of erasures (onyx.erasure), in the control plane: begun before a person's rows go, finished with their key.

What was begun and not finished, because a process died, is taken up by a job. A restore does again what is finished and
what has begun, so that nobody who was erased comes back (C11).
"""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from onyx.core.clock import now, rfc3339
from onyx.core.ids import uuid7
from onyx.core.scope import Scope

from .context import schema_of
from .keyring import forget
from .keystore import Owner
from .walls import control_plane

PURPOSE = "job:erasure"
JOB = "erasures"
_COLUMNS = "user_id, begun_at, erased_at, certificate"
_OPEN = f"select {_COLUMNS} from erasure where erased_at is null order by user_id limit 1000"
_ONE = f"select {_COLUMNS} from erasure where user_id = %s"
_PAGE = f"""
select {_COLUMNS} from erasure where erased_at is not null
   and (%s::timestamptz is null or (erased_at, user_id) < (%s, %s)) order by erased_at desc, user_id desc limit %s
"""


class Erasure(NamedTuple):
    """One person's erasure; `erased_at` and `certificate` are None until their key is gone."""

    user_id: UUID
    begun_at: datetime
    erased_at: datetime | None
    certificate: dict[str, Any] | None


def begin(tenant: UUID, user: UUID) -> None:
    """Remember that a person is about to go; the job looks a minute later whether it came to an end."""
    with control_plane(Scope(tenant, PURPOSE, user)) as connection:
        connection.exec_driver_sql("select erasure_begin()")
        connection.exec_driver_sql("select mark_due(%s, now() + interval '1 minute')", (JOB,))


def take_back(tenant: UUID, user: UUID) -> None:
    """Forget what was begun for somebody whose rows did not go after all; what is finished stays."""
    with control_plane(Scope(tenant, PURPOSE, user)) as connection:
        connection.exec_driver_sql("select erasure_take_back()")


def finish(tenant: UUID, user: UUID, at: datetime, certificate: dict[str, Any]) -> bool:
    """Destroy a person's keys and keep the certificate, in one transaction; False when it was finished before."""
    with control_plane(Scope(tenant, PURPOSE, user)) as connection:
        done = connection.exec_driver_sql("select erasure_finish(%s, %s)", (at, json.dumps(certificate))).scalar_one()
    forget(tenant, user)
    return bool(done)


def open_ones(tenant: UUID) -> list[Erasure]:
    """What was begun in a tenant and is not finished."""
    with control_plane(Scope(tenant, PURPOSE)) as connection:
        return [Erasure(*row) for row in connection.exec_driver_sql(_OPEN)]


def one(scope: Scope, user: UUID) -> Erasure | None:
    """A person's erasure; purposes `admin`, `auditor` and `job:erasure` of the tenant."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(_ONE, (user,)).one_or_none()
    return Erasure(*found) if found else None


def page(scope: Scope, size: int, after: tuple[datetime, UUID] | None) -> list[Erasure]:
    """Finished erasures, the newest first, after a cursor; purposes as one()."""
    moment, id = after or (None, None)
    with control_plane(scope) as connection:
        return [Erasure(*row) for row in connection.exec_driver_sql(_PAGE, (moment, moment, id, size))]


def begun(owner: Owner, tenant: UUID) -> list[UUID]:
    """Whose erasure has begun in a tenant and is not finished: their rows may be gone, or may be about to go."""
    rows = owner.execute("select user_id from onyx.erasure where tenant_id = %s and erased_at is null", [tenant])
    return [row[0] for row in rows]


def replay(
    owner: Owner,
    tenant: UUID,
    source: UUID | None = None,
    *,
    home: Owner | None = None,
    alive: Collection[UUID] = (),
) -> int:
    """Delete again from a restored tenant whoever was erased from it, or from `source`, whose copy it is.

    Erasures that have begun count too, but for `alive`: people whose rows the caller has seen, under a lock under which
    no erasure could commit any more. Runs in the restore's transaction, after the rows are there; the caller commits.
    `home` is the connection to the tenant's rows where that is not `owner`. Leaves one event in the restored trail.
    Returns how many people went. The job finishes what had begun.
    """
    if source is not None:
        owner.execute(_INHERIT, [tenant, source])
    owner.execute(_LOOK, [tenant, JOB, tenant])
    schema, there = schema_of(tenant), home or owner
    listed = owner.execute(
        "select user_id from onyx.erasure where tenant_id = %s and (erased_at is not null or user_id <> all(%s))",
        [tenant, list(alive)],
    ).fetchall()
    gone = [
        row[0]
        for row in there.execute(
            f"delete from {schema}.app_user where id = any(%s) returning id".encode(), [[row[0] for row in listed]]
        )
    ]
    if gone:
        owner.execute("delete from onyx.user_key where tenant_id = %s and user_id = any(%s)", [tenant, gone])
        there.execute(
            f"insert into {schema}.audit_event (event_id, occurred_at, action, actor, purpose, request, targets,"
            " outcome, reason, changes, details) values (%s, now(), 'user.erased', %s, 'job:restore', %s, %s, 'success',"
            " 'erased_before_the_restore', '[]', '{}')".encode(),
            [uuid7(), _ACTOR, json.dumps({"id": "", "method": "RESTORE", "route": "erasure.replay", "at": rfc3339(now())}),
             json.dumps([{"type": "user", "id": str(id), "display": ""} for id in gone])],
        )  # fmt: skip
    return len(gone)


_ACTOR = json.dumps({"type": "job", "name": "Onyx", "display": "Onyx", "roles": []})
_INHERIT = """
insert into onyx.erasure (tenant_id, user_id, begun_at, erased_at, certificate)
select %s, user_id, begun_at, erased_at, certificate from onyx.erasure where tenant_id = %s
on conflict do nothing
"""
_LOOK = """
insert into onyx.due (tenant_id, job, due_at)
select %s, %s, now() where exists (select 1 from onyx.erasure where tenant_id = %s and erased_at is null)
on conflict (job, tenant_id) do update set due_at = now()
"""
