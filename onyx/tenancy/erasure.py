"""The memory of erasures (onyx.erasure): what a restore must do again, so that nobody who was erased comes back (C11)."""

import json
from uuid import UUID

from onyx.core.clock import now, rfc3339
from onyx.core.ids import uuid7

from .context import schema_of
from .keystore import Owner


def replay(owner: Owner, tenant: UUID, source: UUID | None = None) -> int:
    """Delete again from a restored tenant whoever was erased from it, or from `source`, whose copy it is.

    Runs in the restore's transaction, after the rows are there; the caller commits. Leaves one event in the restored
    trail. Returns how many people went; nobody's key is brought back by this, since none is there.
    """
    if source is not None:
        owner.execute(_INHERIT, [tenant, source])
    schema = schema_of(tenant)
    gone = [
        row[0]
        for row in owner.execute(
            f"delete from {schema}.app_user u using onyx.erasure e"
            " where e.tenant_id = %s and e.user_id = u.id and e.erased_at is not null returning u.id".encode(),
            [tenant],
        )
    ]
    if gone:
        owner.execute("delete from onyx.user_key where tenant_id = %s and user_id = any(%s)", [tenant, gone])
        owner.execute(
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
select %s, user_id, begun_at, erased_at, certificate from onyx.erasure where tenant_id = %s and erased_at is not null
on conflict do nothing
"""
