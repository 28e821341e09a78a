"""Replacing keys, in steps of one transaction each; run again after a kill, it goes on where it was (G4).

At every moment each wrapped key and each sealed row says which version it needs, and all versions that are needed are
there: whoever reads does not notice.
"""

import os
from collections.abc import Callable
from typing import Any
from uuid import UUID

from onyx.core import master
from onyx.core.master import Wrong

from . import signing
from .keyring import LENGTH, DataKey, data_key, forget, tenant_belongs, user_belongs
from .keystore import Owner

BATCH = 500
Tell = Callable[[int, int], None]
_LOCK = 0x0A11_0004


def rotate_master(owner: Owner, tell: Tell) -> int:
    """Wrap every tenant's key and every signing key under ONYX_MASTER_KEY; returns how many were wrapped anew.

    The first time for a new master key its predecessor must be given too. Raises Wrong when it is not.
    """
    new = master.installed()[0]
    _make_current(owner, new)
    total = _count(owner, "select count(*) from onyx.tenant_key where master <> %s", [new.id])
    done = _signing_keys(owner, new)
    while found := owner.execute(_UNDER_ANOTHER, [new.id, BATCH]).fetchall():
        with owner.transaction():
            for tenant, version, wrapped, by in found:
                belongs = tenant_belongs(tenant, version)
                fresh = new.wrap(master.by_id(bytes(by)).unwrap(bytes(wrapped), belongs), belongs)
                owner.execute(_WRAP_TENANT, [fresh, new.id, tenant, version, by])
        done += len(found)
        tell(min(done, total), total)
    return done


_UNDER_ANOTHER = """
select tenant_id, version, wrapped, master from onyx.tenant_key where master <> %s order by tenant_id, version limit %s
"""
_WRAP_TENANT = (
    "update onyx.tenant_key set wrapped = %s, master = %s where tenant_id = %s and version = %s and master = %s"
)


def _make_current(owner: Owner, new: master.Master) -> None:
    with owner.transaction():
        owner.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        row = owner.execute("select id from onyx.master_key where retired_at is null for update").fetchone()
        assert row is not None
        if bytes(row[0]) == new.id:
            return
        master.by_id(bytes(row[0]))  # raises Wrong, before anything has changed
        if owner.execute("select 1 from onyx.master_key where id = %s", [new.id]).fetchone():
            raise Wrong("ONYX_MASTER_KEY was replaced before: make a fresh one with openssl rand -base64 32")
        owner.execute("update onyx.master_key set retired_at = now() where retired_at is null")
        owner.execute("insert into onyx.master_key (id) values (%s)", [new.id])


def _signing_keys(owner: Owner, new: master.Master) -> int:
    with owner.transaction():
        found = owner.execute(
            "select id, wrapped, master from onyx.signing_key where master <> %s", [new.id]
        ).fetchall()
        for id, wrapped, by in found:
            if not wrapped:  # a key that was given up: its public half alone is left
                owner.execute("update onyx.signing_key set master = %s where id = %s", [new.id, id])
                continue
            plain = master.by_id(bytes(by)).unwrap(bytes(wrapped), signing.belongs_to(id))
            fresh = new.wrap(plain, signing.belongs_to(id))
            owner.execute("update onyx.signing_key set wrapped = %s, master = %s where id = %s", [fresh, new.id, id])
    return len(found)


def begin_tenant(owner: Owner, tenant: UUID) -> int:
    """Make the next version of a tenant's key, unless a rotation is under way; returns the version to come to.

    Raises Wrong for another master key.
    """
    data_key(tenant, owner=owner)
    with owner.transaction():
        row: Any = owner.execute(
            "select version, settled_at from onyx.tenant_key where tenant_id = %s and retired_at is null for update",
            [tenant],
        ).fetchone()
        version, settled_at = row
        if version > 1 and settled_at is None:
            return int(version)
        by: Any = owner.execute("select id from onyx.master_key where retired_at is null").fetchone()
        wrapped = master.by_id(bytes(by[0])).wrap(os.urandom(LENGTH), tenant_belongs(tenant, version + 1))
        owner.execute(
            "update onyx.tenant_key set retired_at = now() where tenant_id = %s and retired_at is null", [tenant]
        )
        owner.execute(
            "insert into onyx.tenant_key (tenant_id, version, wrapped, master) values (%s, %s, %s, %s)",
            [tenant, version + 1, wrapped, by[0]],
        )
    forget(tenant)
    return int(version) + 1


def renew_people(owner: Owner, tenant: UUID, tell: Tell) -> int:
    """Wrap the keys of a tenant's people under its current key, and give each a new version; returns how many people.

    After begin_tenant(). What their older versions sealed stays readable, and is sealed anew by whoever calls this.
    """
    above, done = data_key(tenant, owner=owner), 0
    total = _count(owner, _PEOPLE_BEHIND, [tenant, above.version])
    while people := owner.execute(_NEXT_PEOPLE, [tenant, above.version, BATCH]).fetchall():
        with owner.transaction():
            for (user,) in people:
                _renew_one(owner, tenant, user, above)
        done += len(people)
        tell(done, total)
    forget(tenant)
    return done


_PEOPLE_BEHIND = "select count(distinct user_id) from onyx.user_key where tenant_id = %s and tenant_version <> %s"
_NEXT_PEOPLE = """
select distinct user_id from onyx.user_key where tenant_id = %s and tenant_version <> %s order by user_id limit %s
"""
_VERSIONS = """
select version, wrapped, tenant_version from onyx.user_key where tenant_id = %s and user_id = %s order by version for update
"""
_WRAP_PERSON = (
    "update onyx.user_key set wrapped = %s, tenant_version = %s where tenant_id = %s and user_id = %s and version = %s"
)


def _renew_one(owner: Owner, tenant: UUID, user: UUID, above: DataKey) -> None:
    """In one transaction for a person: whoever was erased meanwhile has no line to lock, and gets none."""
    found = owner.execute(_VERSIONS, [tenant, user]).fetchall()
    for version, wrapped, by in found:
        belongs = user_belongs(tenant, user, version)
        plain = data_key(tenant, version=by, owner=owner).unwrap(bytes(wrapped), belongs)
        owner.execute(_WRAP_PERSON, [above.wrap(plain, belongs), above.version, tenant, user, version])
    if found:
        version = found[-1][0] + 1
        owner.execute(
            "update onyx.user_key set retired_at = now() where tenant_id = %s and user_id = %s and retired_at is null",
            [tenant, user],
        )
        owner.execute(
            "insert into onyx.user_key (tenant_id, user_id, version, wrapped, tenant_version) values (%s, %s, %s, %s, %s)",
            [tenant, user, version, above.wrap(os.urandom(LENGTH), user_belongs(tenant, user, version)), above.version],
        )


def settle(owner: Owner, tenant: UUID, version: int) -> None:
    """End a rotation: everything that earlier versions sealed has been sealed anew."""
    owner.execute(
        "update onyx.tenant_key set settled_at = now() where tenant_id = %s and version = %s and retired_at is null",
        [tenant, version],
    )


def _count(owner: Owner, statement: str, values: list[Any]) -> int:
    row: Any = owner.execute(statement.encode(), values).fetchone()
    return int(row[0])
