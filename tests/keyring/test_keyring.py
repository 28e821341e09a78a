"""Keys wrap keys; each opens for its own tenant, person and version alone, and destroyed ones never again."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from onyx.core import master
from onyx.core.ids import uuid7
from onyx.core.sealing import seal as seal_as_before
from onyx.tenancy import key_custody, keyring, keystore, migrate
from onyx.tenancy.keyring import Destroyed, data_key
from onyx.tenancy.sealed import seal, unseal, version_of
from tests.tenancy import attack


@pytest.fixture(autouse=True)
def _inside(app):
    with app.app_context():
        yield


@pytest.fixture
def place(owner_url):
    return migrate.provision(owner_url, f"keys-{os.urandom(4).hex()}", "Keys")


def test_a_master_key_unwraps_what_it_wrapped_for_the_same_purpose_alone():
    one, other = master.Master(os.urandom(32)), master.Master(os.urandom(32))
    wrapped = one.wrap(b"k" * 32, b"tenant-key|a|1")
    assert one.unwrap(wrapped, b"tenant-key|a|1") == b"k" * 32 and one.id != other.id
    for opener, text, belongs in (
        (one, wrapped, b"tenant-key|b|1"),
        (one, wrapped, b"tenant-key|a|2"),
        (other, wrapped, b"tenant-key|a|1"),
        (one, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"tenant-key|a|1"),
        (one, b"\x02" + wrapped[1:], b"tenant-key|a|1"),
        (one, b"", b"tenant-key|a|1"),
    ):
        with pytest.raises(master.Wrong):
            opener.unwrap(text, belongs)


@pytest.mark.parametrize("text", ["", "x", "not base64 ü", base64.b64encode(bytes(31)).decode(), "A" * 45])
def test_a_malformed_master_key_is_refused_without_being_told(text):
    with pytest.raises(ValueError) as refused:
        master.parse(text)
    assert "32 bytes" in str(refused.value) and (not text or text not in str(refused.value))


def test_what_is_sealed_opens_for_its_use_its_row_and_its_owner_alone(world):
    acme, alice = world.acme.id, world.alice.id
    hidden = seal("test", b"secret", b"row 1", tenant=acme, user=alice)
    assert unseal("test", hidden, b"row 1", tenant=acme, user=alice) == b"secret"
    assert b"secret" not in hidden and version_of(hidden) == 1
    for use, belongs, tenant, user in (
        ("other", b"row 1", acme, alice),
        ("test", b"row 2", acme, alice),
        ("test", b"row 1", acme, None),
        ("test", b"row 1", acme, world.bob.id),
        ("test", b"row 1", world.globex.id, world.mallory.id),
    ):
        with pytest.raises(ValueError):
            unseal(use, hidden, belongs, tenant=tenant, user=user)
    for broken in (hidden[:-1], hidden[:9], b"", hidden[:1] + b"\0\0\0\x07" + hidden[5:]):
        with pytest.raises(ValueError):
            unseal("test", broken, b"row 1", tenant=acme, user=alice)


def test_what_an_older_version_sealed_still_opens(world):
    before = seal_as_before("totp", b"JBSW", world.acme.id.bytes + world.alice.id.bytes)
    assert unseal("totp", before, world.alice.id.bytes, tenant=world.acme.id) == b"JBSW"
    assert version_of(before) == 0


def test_twenty_who_need_a_key_at_once_get_the_same(app, place):
    person = uuid7()

    def ask(_):
        with app.app_context():
            keyring.forget(place)
            return data_key(place, person).secret

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(20)))) == 1


def test_the_owner_and_the_application_open_the_same_key(place, owner):
    person = uuid7()
    assert data_key(place, person, owner=owner) == data_key(place, person)
    assert data_key(place, owner=owner) == data_key(place) != data_key(place, person)


def test_a_wrapped_key_that_was_moved_or_changed_does_not_open(place, owner):
    one, other = uuid7(), uuid7()
    data_key(place, one), data_key(place, other)
    owner.execute(
        "update onyx.user_key k set wrapped = o.wrapped from onyx.user_key o"
        " where k.tenant_id = %s and o.tenant_id = %s and k.user_id = %s and o.user_id = %s",
        [place, place, one, other],
    )
    keyring.forget(place)
    with pytest.raises(master.Wrong):
        data_key(place, one)
    assert data_key(place, other)


def test_opened_keys_are_forgotten_by_notice_and_bounded(place, monkeypatch, owner):
    from onyx.tenancy.notices import Notice

    person = uuid7()
    key = data_key(place, person)
    owner.execute("delete from onyx.user_key where tenant_id = %s", [place])
    assert data_key(place, person) is key, "kept in the process"
    keyring.obey(Notice(uuid7(), place, "user", person, "erased"))
    assert data_key(place, person) != key
    monkeypatch.setattr(keyring, "MOST_KEPT", 5)
    for _ in range(8):
        data_key(place, uuid7())
    assert len(keyring._rings) <= 5
    monkeypatch.setattr(keyring, "KEPT_SECONDS", -1)
    last = data_key(place, uuid7())
    assert last is not None and all(ring.until > 0 for ring in keyring._rings.values())
    keyring.obey(Notice(uuid7(), place, "tenant", place, "rotated"))
    assert not [kept for kept in keyring._rings if kept[0] == place]


def test_an_opened_key_costs_no_question(world, monkeypatch):
    asked = []
    real = keystore.read
    monkeypatch.setattr(keystore, "read", lambda *a: asked.append(a) or real(*a))
    keyring.forget(world.acme.id)
    for _ in range(5):
        hidden = seal("test", b"x", b"", tenant=world.acme.id, user=world.alice.id)
        unseal("test", hidden, b"", tenant=world.acme.id, user=world.alice.id)
    assert len(asked) <= 4, "the first use reads, makes and reads again; later ones ask nobody"


def test_a_key_does_not_show_itself(world):
    key = data_key(world.acme.id)
    assert repr(key) == f"DataKey(version={key.version})"


def test_destroying_a_tenants_keys_ends_all_that_they_sealed(place, owner):
    person = uuid7()
    own, theirs = seal("t", b"1", b"", tenant=place), seal("t", b"2", b"", tenant=place, user=person)
    assert key_custody.destroy_tenant_keys(owner, place) == 2
    for hidden, user in ((own, None), (theirs, person)):
        for by in (None, owner):
            with pytest.raises(Destroyed):
                unseal("t", hidden, b"", tenant=place, user=user, owner=by)


def test_a_tenant_is_not_deleted_before_its_keys(place, owner):
    data_key(place)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute("delete from onyx.tenant where id = %s", [place])
    key_custody.destroy_tenant_keys(owner, place)
    owner.execute("delete from onyx.tenant where id = %s", [place])


def test_a_copy_of_a_tenant_reads_what_the_original_sealed(place, owner, owner_url):
    person, erased = uuid7(), uuid7()
    hidden = seal("t", b"mine", b"row", tenant=place, user=person)
    lost = seal("t", b"lost", b"row", tenant=place, user=erased)
    carried = key_custody.taken_along(owner, place)
    assert all("secret" not in repr(key) for key in carried) and len(carried) == 3
    twin = migrate.provision(owner_url, f"twin-{os.urandom(4).hex()}", "Twin")
    owner.execute("insert into onyx.erasure (tenant_id, user_id, erased_at) values (%s, %s, now())", [twin, erased])
    with owner.transaction():
        key_custody.put_in(owner, twin, carried)
    assert unseal("t", hidden, b"row", tenant=twin, user=person) == b"mine"
    assert unseal("t", hidden, b"row", tenant=place, user=person) == b"mine"
    with pytest.raises(Destroyed):
        unseal("t", lost, b"row", tenant=twin, user=erased)
    wrapped = owner.execute(
        "select count(distinct wrapped), count(*) from onyx.user_key where user_id = %s", [person]
    ).fetchone()
    assert wrapped == (2, 2)


PURPOSES = ("member", "admin", "auditor", "platform", "auth", "breakglass", "job:control", "job:anything")
HOSTILE = ["reset role", "select * from onyx.wrapped_keys()", "select * from onyx.tenant_key", "select * from onyx.user_key",
           "select wrapped from onyx.user_key where user_id = '{alice}'", "table onyx.erasure", "select onyx.erasure_begin()",
           "select onyx.erasure_finish(now(), '{{}}')", "select onyx.erasure_take_back()", "delete from onyx.user_key",
           "select onyx.tenant_key_add('x', 'x')", "select onyx.user_key_add('x', 1)", "delete from onyx.tenant_key",
           "update onyx.user_key set wrapped = 'x'", "insert into onyx.erasure values ('{acme_id}', '{bob}')",
           "update onyx.erasure set erased_at = null", "truncate onyx.user_key"]  # fmt: skip
_STATE = """
select md5(string_agg(t, '' order by t)) from (select k::text from onyx.tenant_key k union all
       select k::text from onyx.user_key k union all select e::text from onyx.erasure e) as every (t)
"""


@pytest.mark.parametrize("purpose", PURPOSES)
def test_no_request_reads_or_changes_a_wrapped_key(stage, world, owner, purpose):
    """Neither its own tenant's nor anybody else's, whatever SQL runs on its connection."""
    for tenant, person in ((world.acme.id, world.bob.id), (world.globex.id, world.mallory.id)):
        data_key(tenant, person)
    before = owner.execute(_STATE).fetchall()
    wrapped = owner.execute("select encode(wrapped, 'hex') from onyx.tenant_key union all"
                            " select encode(wrapped, 'hex') from onyx.user_key").fetchall()  # fmt: skip
    for role in ((), ("set role {globex}",)):
        heard = attack.inject(stage, [*role, *HOSTILE], purpose, "dana")
        assert not [text for (key,) in wrapped for text in heard if key in text or repr(bytes.fromhex(key)) in text]
    assert owner.execute(_STATE).fetchall() == before


def test_the_keyrings_own_purpose_sees_its_own_tenant_and_person_alone(app, world, owner):
    for tenant, person in ((world.acme.id, world.bob.id), (world.globex.id, world.mallory.id)):
        data_key(tenant, person)
    found = keystore.read(world.acme.id, world.bob.id, None)
    assert {row.kind for row in found} == {"master", "tenant", "user"}
    own = owner.execute(
        "select wrapped from onyx.tenant_key where tenant_id = %s union all"
        " select wrapped from onyx.user_key where tenant_id = %s and user_id = %s",
        [world.acme.id, world.acme.id, world.bob.id],
    ).fetchall()
    assert {row.wrapped for row in found if row.kind != "master"} == {bytes(row[0]) for row in own}
