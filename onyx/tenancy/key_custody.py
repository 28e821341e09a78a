"""What becomes of keys when people and tenants go, or are copied: for the steward and the command line alone."""

from dataclasses import dataclass, field
from uuid import UUID

from onyx.core import master

from . import signing
from .keyring import data_key, forget, tenant_belongs, user_belongs
from .keystore import Owner


@dataclass(frozen=True, slots=True)
class Carried:
    """One opened key on its way into another tenant; `user` is None for the tenant's own."""

    user: UUID | None
    version: int
    retired: bool
    tenant_version: int | None
    secret: bytes = field(repr=False)


def destroy_tenant_keys(owner: Owner, tenant: UUID) -> int:
    """Destroy every key of a tenant and of its people: what they sealed, backups too, can never be read again.

    Returns how many keys there were. The caller commits; processes that have opened one keep it for five minutes
    at most, and not at all when they get a notice of the tenant.
    """
    people = owner.execute("delete from onyx.user_key where tenant_id = %s", [tenant]).rowcount
    own = owner.execute("delete from onyx.tenant_key where tenant_id = %s", [tenant]).rowcount
    forget(tenant)
    return people + own


def taken_along(owner: Owner, tenant: UUID) -> list[Carried]:
    """All keys of a tenant, opened, for a copy of it; those of erased people do not exist any more.

    Whoever writes them down outside the database must encrypt them.
    """
    own = owner.execute(
        "select version, retired_at is not null from onyx.tenant_key where tenant_id = %s order by version", [tenant]
    ).fetchall()
    people = owner.execute(
        "select user_id, version, retired_at is not null, tenant_version from onyx.user_key where tenant_id = %s"
        " order by user_id, version",
        [tenant],
    ).fetchall()
    found = [Carried(None, v, gone, None, data_key(tenant, version=v, owner=owner).secret) for v, gone in own]
    return found + [
        Carried(user, v, gone, above, data_key(tenant, user, version=v, owner=owner).secret)
        for user, v, gone, above in people
    ]


def put_in(owner: Owner, tenant: UUID, carried: list[Carried]) -> None:
    """Give a new tenant the keys of the one whose copy it is, wrapped anew for it. The caller commits.

    Raises psycopg.errors.UniqueViolation for a tenant that has keys already. Keys of people who are erased in the new
    tenant are left out.
    """
    row = owner.execute("select id from onyx.master_key where retired_at is null").fetchone()
    assert row is not None
    by, own = master.by_id(bytes(row[0])), {}
    for key in carried:
        if key.user is None:
            own[key.version] = key
            wrapped = by.wrap(key.secret, tenant_belongs(tenant, key.version))
            owner.execute(_PUT_TENANT, [tenant, key.version, wrapped, by.id, key.retired])
    forget(tenant)
    for key in carried:
        if key.user is not None and key.tenant_version is not None:
            above = data_key(tenant, version=key.tenant_version, owner=owner)
            wrapped = above.wrap(key.secret, user_belongs(tenant, key.user, key.version))
            owner.execute(
                _PUT_USER,
                {"tenant": tenant, "user": key.user, "version": key.version, "wrapped": wrapped,
                 "by": above.version, "retired": key.retired},
            )  # fmt: skip
    forget(tenant)


_PUT_TENANT = """
insert into onyx.tenant_key (tenant_id, version, wrapped, master, retired_at)
values (%s, %s, %s, %s, case when %s then now() end)
"""
_PUT_USER = """
insert into onyx.user_key (tenant_id, user_id, version, wrapped, tenant_version, retired_at)
select %(tenant)s, %(user)s, %(version)s, %(wrapped)s, %(by)s, case when %(retired)s then now() end
 where not exists (select 1 from onyx.erasure where tenant_id = %(tenant)s and user_id = %(user)s)
"""


def abandon_master(owner: Owner) -> int:
    """Begin anew with ONYX_MASTER_KEY, since the one that everything is wrapped under is lost; returns how many keys went.

    What they sealed can never be read again. Public halves of signing keys stay, so that what they signed can be checked.
    Raises Wrong when the master key at hand is the right one.
    """
    new = master.installed()[0]
    with owner.transaction():
        row = owner.execute("select id from onyx.master_key where retired_at is null for update").fetchone()
        if row is not None and bytes(row[0]) in {one.id for one in master.installed()}:
            raise master.Wrong("this is the master key of this database: nothing is lost")
        gone = (
            owner.execute("delete from onyx.user_key").rowcount + owner.execute("delete from onyx.tenant_key").rowcount
        )
        owner.execute("update onyx.master_key set retired_at = now() where retired_at is null")
        owner.execute(
            "insert into onyx.master_key (id) values (%s) on conflict (id) do update set retired_at = null", [new.id]
        )
        owner.execute(
            "update onyx.signing_key set retired_at = coalesce(retired_at, now()), wrapped = '', master = %s", [new.id]
        )
        signing.install_keys(owner)
    return gone
