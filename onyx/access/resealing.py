"""Every stored secret and file of a tenant, sealed with the current keys: after a rotation, and what older versions left.

A closed list. A new column that is sealed gets its line here, and policies for purpose `job:keys`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.tenancy.keyring import Destroyed, data_key
from onyx.tenancy.sealed import FILE, seal, unseal, version_of

BATCH = 50
HEAD = 5  # the form and the version of what is sealed
Work = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Column:
    """`page` gives heads in the order of `place` (two values), `one` a whole value, `put` stores it.

    `belongs` makes of a place what the value is bound to; `personal` ones are sealed with the key of the place's person.
    """

    use: str
    page: str
    one: str
    put: str
    belongs: Callable[[Any], bytes]
    personal: bool = False


COLUMNS = (
    Column(
        FILE,
        "select user_id as a, id as b, substring(sealed from 1 for %s) as head from user_file"
        " where (user_id, id) > (%s::uuid, %s::uuid) order by user_id, id limit %s",
        "select sealed, content as plain from user_file where user_id = %s and id = %s for update",
        "update user_file set sealed = %s, content = null where user_id = %s and id = %s returning 1",
        lambda place: bytes(place.b.bytes),
        personal=True,
    ),
    Column(
        "totp",
        "select user_id as a, user_id as b, substring(sealed_secret from 1 for %s) as head from totp"
        " where (user_id, user_id) > (%s::uuid, %s::uuid) order by user_id limit %s",
        "select sealed_secret as sealed, null as plain from totp where user_id = %s and user_id = %s for update",
        "update totp set sealed_secret = %s where user_id = %s and user_id = %s returning 1",
        lambda place: bytes(place.a.bytes),
    ),
    Column(
        "sso-secret",
        "select nothing as a, nothing as b, substring(sealed_secret from 1 for %s) as head from sso_provider,"
        " (values ('ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) as n (nothing)"
        " where (nothing, nothing) > (%s::uuid, %s::uuid) limit %s",
        "select sealed_secret as sealed, null as plain from sso_provider where %s::uuid = %s::uuid for update",
        "update sso_provider set sealed_secret = %s where %s::uuid = %s::uuid returning 1",
        lambda _place: b"",
    ),
)
_FIRST = "00000000-0000-0000-0000-000000000000"


def reseal(actor: Actor, work: Work, tell: Callable[[int, int], None]) -> int:
    """Seal anew whatever is not sealed by the current keys; purpose `job:keys`. Returns how many values.

    A value that does not open is left and told in the trail: it keeps nobody else from being sealed (F42).
    """
    done = 0
    for column in COLUMNS:
        after: tuple[Any, Any] = (_FIRST, _FIRST)
        while True:
            with work() as session:
                found = rows(session, column.page, HEAD, *after, BATCH)
                done += _batch(session, actor, column, found)
            tell(done, done)
            if len(found) < BATCH:
                break
            after = (found[-1].a, found[-1].b)
    return done


def _batch(session: Session, actor: Actor, column: Column, found: list[Any]) -> int:
    done, lost = 0, []
    for place in found:
        try:
            done += _one(session, actor, column, place)
        except ValueError as error:
            lost.append((str(place.b), "destroyed" if isinstance(error, Destroyed) else "not_genuine"))
    where = target("tenant", actor.tenant_id, actor.tenant_slug)
    if done:
        record(session, actor, Action.SEALS_RENEWED, where, use=column.use, values=done)
    if lost:
        record(session, actor, Action.SEALS_RENEWED, where, use=column.use, outcome="failure", reason=lost[0][1],
               values=len(lost), ids=[id for id, _ in lost])  # fmt: skip
    return done


def _one(session: Session, actor: Actor, column: Column, place: Any) -> int:
    user = place.a if column.personal else None
    if place.head is not None and version_of(bytes(place.head)) == data_key(actor.tenant_id, user).version:
        return 0
    belongs = column.belongs(place)
    row = rows(session, column.one, place.a, place.b)
    if not row:
        return 0  # deleted meanwhile
    if row[0].sealed is None:
        plain = row[0].plain.encode()
    else:
        plain = unseal(column.use, bytes(row[0].sealed), belongs, tenant=actor.tenant_id, user=user)
    rows(session, column.put, seal(column.use, plain, belongs, tenant=actor.tenant_id, user=user), place.a, place.b)
    return 1
