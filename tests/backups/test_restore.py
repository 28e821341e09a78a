"""One tenant is saved while in use and comes back in place or beside, with nothing of any other touched (T12)."""

from pathlib import Path

import pytest

from onyx.audit import merkle
from onyx.backups import load, making, restore
from onyx.backups.restore import Source
from onyx.core import sealing
from onyx.core.ids import parse_id, uuid7
from onyx.core.scope import Scope
from onyx.tenancy import boot_check, catalogue, steward
from onyx.tenancy import sealed as tenancy_sealed
from onyx.tenancy.scripts import scripts
from onyx.tenancy.steward import Refused
from onyx.tenancy.walls import control_plane
from tests.backups.conftest import contents

# What is told apart on purpose: nobody is signed in, no letter goes out twice, the restore stands in the trail.
SETTLED = {
    "login_session",
    "audit_event",
    "outgoing_mail",
    "password_reset",
    "factor_challenge",
    "api_key",
    "totp",
    "invitation",
}


def _rest(found):
    return {name: rows for name, rows in found.items() if name not in SETTLED}


def test_a_tenant_comes_back_beside_itself(app, owner, owner_url, world, full, made, operator):
    before, other = contents(owner, world.acme.schema), contents(owner, world.globex.schema)
    went = restore.restore(owner_url, Source(Path(made["path"])), operator, slug=f"{world.acme.slug}-b")
    copy = f"tenant_{parse_id(went['tenant_id']).hex}"
    there = contents(owner, copy)
    assert there.keys() == before.keys() and _rest(there) == _rest(before)
    assert contents(owner, world.acme.schema) == before, "the original is as it was"
    assert contents(owner, world.globex.schema) == other
    with app.app_context():
        boot_check.require_walls()


def test_a_tenant_comes_back_in_place(app, owner, owner_url, world, full, made, operator, client_of):
    before = contents(owner, world.acme.schema)
    alice = client_of("alice")
    assert alice.post("/api/v1/projects", json={"name": "after the backup"}).status_code == 201
    went = restore.restore(owner_url, Source(Path(made["path"])), operator)
    assert went["in_place"] and went["tenant_id"] == str(world.acme.id)
    assert _rest(contents(owner, world.acme.schema)) == _rest(before)
    with app.app_context():
        boot_check.require_walls()


def test_under_a_legal_hold_nothing_is_replaced(owner, owner_url, world, made, operator):
    owner.execute("insert into onyx.legal_hold (tenant_id, set_as, reason) values (%s, 'Petra', '')", [world.acme.id])
    before = contents(owner, world.acme.schema)
    with pytest.raises(Refused, match="legal hold"):
        restore.restore(owner_url, Source(Path(made["path"])), operator)
    assert contents(owner, world.acme.schema) == before
    assert restore.restore(owner_url, Source(Path(made["path"])), operator, slug=f"{world.acme.slug}-h")


def test_a_restored_tenant_is_built_as_the_migrations_say(app, owner, owner_url, world, full, made, operator):
    """In place, after the old schema is gone: grants, policies, triggers, functions, all as of a new tenant."""
    source = Source(Path(made["path"]))
    copy = parse_id(restore.restore(owner_url, source, operator, slug=f"{world.acme.slug}-b")["tenant_id"])
    restore.restore(owner_url, source, operator)
    with app.app_context(), control_plane(Scope(world.platform.id, "job:isolation")) as connection:
        wanted = catalogue.reference(connection, max(script.version for script in scripts("tenant")))
        connection.exec_driver_sql("select set_config('search_path', '', true)")
        for tenant in (world.acme.id, copy):
            assert catalogue.lines(connection, tenant) == wanted


def test_in_place_signs_everybody_out_and_opens_nothing_again(owner, owner_url, world, full, made, operator, client_of):
    alice, mallory = client_of("alice"), client_of("mallory")
    key = {"name": "k", "permissions": ["chat:use"], "days": 5}
    answer = alice.post("/api/v1/api-keys", json=key)
    went = restore.restore(owner_url, Source(Path(made["path"])), operator)
    schema = world.acme.schema
    assert owner.execute(f"select count(*) from {schema}.login_session where state = 'active'").fetchone() == (0,)
    ended = owner.execute(f"select distinct end_reason from {schema}.login_session where end_reason is not null")
    assert ("tenant_restored",) in ended.fetchall()
    for table in ("outgoing_mail", "password_reset", "factor_challenge", "invitation"):
        over = {"outgoing_mail": "state = 'waiting'", "invitation": "true"}.get(table, "used_at is null")
        assert owner.execute(f"select count(*) from {schema}.{table} where {over}").fetchone() == (0,)
    assert mallory.get("/api/v1/users/me").status_code == 200, "nobody else notices"
    assert answer.status_code in (201, 422)
    told = owner.execute(
        f"select actor->>'type', details->>'in_place' from {schema}.audit_event where action = 'tenant.restored'"
    )
    assert told.fetchall() == [("operator", "true")]
    assert went["checkpoint"] == made["checkpoint"]


def test_a_key_that_was_revoked_since_stays_revoked(owner, owner_url, folder, world, full, operator, client_of):
    alice = client_of("alice")
    sent = {"name": "robot", "permissions": ["chat:use"], "expires_in_days": 30}
    key = alice.post("/api/v1/api-keys", json=sent).get_json()["data"]
    made = making.make(owner_url, folder, world.acme.id, operator)
    assert alice.delete(f"/api/v1/api-keys/{key['id']}").status_code in (200, 204)
    source = Source(Path(made["path"]))
    restore.restore(owner_url, source, operator)
    copy = parse_id(restore.restore(owner_url, source, operator, slug=f"{world.acme.slug}-b")["tenant_id"])
    for schema in (world.acme.schema, f"tenant_{copy.hex}"):
        live = owner.execute(f"select count(*) from {schema}.api_key where revoked_at is null").fetchone()
        assert live == (0,)


def test_what_is_sealed_inside_opens_in_the_copy(app, owner, owner_url, folder, world, full, operator):
    """Alice's secret as it is sealed today, Bob's as older versions did, bound to the tenant's id."""
    acme, schema = world.acme.id, world.acme.schema
    today = tenancy_sealed.seal("totp", b"JBSWY3DP", world.alice.id.bytes, tenant=acme, owner=owner)
    older = sealing.seal("totp", b"JBSWY3DP", acme.bytes + world.bob.id.bytes)
    with owner.transaction():
        owner.execute(f"alter table {schema}.totp disable trigger user")
        for person, hidden in ((world.alice.id, today), (world.bob.id, older)):
            owner.execute(
                f"insert into {schema}.totp (user_id, sealed_secret, confirmed_at) values (%s, %s, now())",
                [person, hidden],
            )
        owner.execute(f"alter table {schema}.totp enable trigger user")
    made = making.make(owner_url, folder, acme, operator)
    file = folder / "export.onyx"
    passphrase = making.export(owner_url, file, acme, operator)
    for source, slug in ((Source(Path(made["path"])), "b"), (Source(file, passphrase), "e")):
        went = restore.restore(owner_url, source, operator, slug=f"{world.acme.slug}-{slug}")
        tenant = parse_id(went["tenant_id"])
        there = owner.execute(f"select user_id, sealed_secret from tenant_{tenant.hex}.totp").fetchall()
        assert {person for person, _ in there} == {world.alice.id, world.bob.id}
        for person, hidden in there:
            opened = tenancy_sealed.unseal("totp", bytes(hidden), person.bytes, tenant=tenant, owner=owner)
            assert opened == b"JBSWY3DP"


def test_the_platform_is_saved_and_tried_but_never_replaced(owner_url, folder, world, operator):
    made = making.make(owner_url, folder, world.platform.id, operator)
    assert making.rehearse(owner_url, folder, parse_id(made["id"]), operator)["ok"]
    with pytest.raises(Refused, match="platform itself"):
        restore.restore(owner_url, Source(Path(made["path"])), operator)


HARMS = {
    "a row is another": ("update {}.chat_message set content = 'x' where role = 'user'", "chat_message is not what was saved"),
    "a row is missing": ("delete from {}.user_role where user_id in (select min(user_id::text)::uuid from {}.user_role)", "user_role"),
    "a wall is missing": ("alter table {}.project disable row level security", "Row-level security is off on project"),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
def test_a_restore_reads_back_what_it_wrote(owner_url, owner, world, full, made, operator, monkeypatch, harm):
    """Whatever goes wrong while rows are loaded, the tenant that is there stays."""
    statement, words = HARMS[harm]
    numbered = load._identities

    def harmed(connection, schema):
        numbered(connection, schema)
        connection.execute(statement.format(schema, schema))

    monkeypatch.setattr(load, "_identities", harmed)
    before = contents(owner, world.acme.schema)
    with pytest.raises(Refused, match=words):
        restore.restore(owner_url, Source(Path(made["path"])), operator)
    assert contents(owner, world.acme.schema) == before


def test_a_trail_of_another_tenant_has_another_checkpoint(owner_url, world, full, made, operator, monkeypatch):
    """The leaf names the tenant (F12): the same lines under another tenant's name are not the same trail."""
    leaf = merkle.event_leaf
    monkeypatch.setattr(merkle, "event_leaf", lambda tenant, event: leaf(world.globex.id, event))
    with pytest.raises(Refused, match="checkpoint differs"):
        restore.restore(owner_url, Source(Path(made["path"])), operator)


def test_a_restore_whose_steward_dies_after_it_is_not_done_again(app, owner, owner_url, world, full, made, operator):
    """Ten minutes later another steward would take up what still says running: people have worked on since."""
    owner.execute("delete from onyx.steward_request")  # what other tests left behind
    id = uuid7()
    place = "insert into onyx.steward_request (id, operation, arguments) values (%s, 'restore_backup', '{}')"
    owner.execute(place, [id])

    class Died(BaseException):
        pass

    def restore_and_die(owner_url):
        def at(step):
            if step == "committed":
                raise Died

        restore.restore(owner_url, Source(Path(made["path"])), operator, step=at)

    assert steward.claim_next(owner_url) == id
    with pytest.raises(Died):
        steward.run(owner_url, id, {"restore_backup": restore_and_die})
    owner.execute("update onyx.steward_request set told_at = now() - interval '11 minutes' where id = %s", [id])
    assert steward.claim_next(owner_url) is None
    row = owner.execute("select state, result->>'slug' from onyx.steward_request where id = %s", [id]).fetchone()
    assert row == ("done", world.acme.slug)
