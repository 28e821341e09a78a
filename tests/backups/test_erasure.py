"""Whoever was erased stays erased: no backup brings them back, in place, beside or tried (C11, T12)."""

from pathlib import Path

from onyx.backups import making, restore
from onyx.backups.restore import Source
from onyx.core.ids import parse_id
from onyx.tenancy import boot_check, erasure


def _erase(owner, world, person):
    """What the erasure of a person leaves, whatever feature carries it out: no rows, no key, a line that remembers."""
    schema = world.acme.schema
    with owner.transaction():
        owner.execute(f"alter table {schema}.app_user disable trigger user")
        owner.execute(
            "insert into onyx.erasure (tenant_id, user_id, erased_at) values (%s, %s, now())",
            [world.acme.id, person.id],
        )
        owner.execute("delete from onyx.user_key where tenant_id = %s and user_id = %s", [world.acme.id, person.id])
        tables = owner.execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r' and not relispartition",
            [schema],
        ).fetchall()
        for (name,) in tables:
            owner.execute(f'alter table {schema}."{name}" disable trigger user')
        owner.execute(f"delete from {schema}.app_user where id = %s", [person.id])
        for (name,) in tables:
            owner.execute(f'alter table {schema}."{name}" enable trigger user')


def test_an_erased_person_is_in_no_restored_tenant(app, owner, owner_url, folder, world, full, made, operator):
    _erase(owner, world, world.alice)
    tried = making.rehearse(owner_url, folder, parse_id(made["id"]), operator)
    assert tried["ok"]
    source = Source(Path(made["path"]))
    beside = restore.restore(owner_url, source, operator, slug=f"{world.acme.slug}-b")
    place = restore.restore(owner_url, source, operator)
    assert beside["left_out"] == place["left_out"] > 0
    for tenant in (beside["tenant_id"], place["tenant_id"]):
        schema = f"tenant_{parse_id(tenant).hex}"
        people = {row[0] for row in owner.execute(f"select id from {schema}.app_user").fetchall()}
        assert world.alice.id not in people and world.bob.id in people
        assert (
            owner.execute(f"select 1 from {schema}.chat_message where user_id = %s", [world.alice.id]).fetchone()
            is None
        )
        assert owner.execute(f"select 1 from {schema}.chat_message where user_id = %s", [world.bob.id]).fetchone()
        assert (
            owner.execute(
                "select count(*) from onyx.directory where tenant_id = %s and tenant_id is not null", [parse_id(tenant)]
            ).fetchone()[0]
            == 5
        )
    with app.app_context():
        boot_check.require_walls()


def test_the_archive_itself_no_longer_holds_what_they_wrote(app, owner, owner_url, world, full, made, operator):
    """Not because a list says so: with the person's key their part of the file cannot be opened by anybody."""
    _erase(owner, world, world.alice)
    owner.execute("delete from onyx.erasure where tenant_id = %s", [world.acme.id])  # the list is lost
    went = restore.restore(owner_url, Source(Path(made["path"])), operator, slug=f"{world.acme.slug}-b")
    schema = f"tenant_{parse_id(went['tenant_id']).hex}"
    assert owner.execute(f"select 1 from {schema}.app_user where id = %s", [world.alice.id]).fetchone() is None


def test_a_backup_while_somebody_is_being_erased_leaves_them_out(app, owner, owner_url, folder, world, full, operator):
    """Begun, the key not made any more, the rows still there: the backup is whole without them."""
    owner.execute("insert into onyx.erasure (tenant_id, user_id) values (%s, %s)", [world.acme.id, world.lee.id])
    made = making.make(owner_url, folder, world.acme.id, operator)
    assert making.rehearse(owner_url, folder, parse_id(made["id"]), operator)["ok"]
    went = restore.restore(owner_url, Source(Path(made["path"])), operator, slug=f"{world.acme.slug}-b")
    schema = f"tenant_{parse_id(went['tenant_id']).hex}"
    assert {row[0] for row in owner.execute(f"select user_id from {schema}.chat_session")} == {
        world.alice.id,
        world.bob.id,
    }


def test_an_old_export_does_not_bring_them_back_either(app, owner, owner_url, folder, world, full, operator):
    """Its passphrase opens all of it, the erased person's rows too: here the list of erasures is what counts."""
    file = folder / "acme.onyx"
    passphrase = making.export(owner_url, file, world.acme.id, operator)
    _erase(owner, world, world.alice)
    went = restore.restore(owner_url, Source(file, passphrase), operator, slug=f"{world.acme.slug}-b")
    tenant = parse_id(went["tenant_id"])
    assert went["left_out"] == 0
    for table, column in (("app_user", "id"), ("chat_message", "user_id"), ("user_file", "user_id")):
        statement = f"select count(*) from tenant_{tenant.hex}.{table} where {column} = %s"
        assert owner.execute(statement, [world.alice.id]).fetchone() == (0,)
    keys = owner.execute(
        "select count(*) from onyx.user_key where tenant_id = %s and user_id = %s", [tenant, world.alice.id]
    ).fetchone()
    assert keys == (0,)


def test_an_erasure_that_has_begun_is_done_again(
    app, owner, owner_url, world, full, made, operator, client_of, monkeypatch
):
    """Alice's rows are gone and her process died before her key was; Bob's erasure has begun and has not come yet."""
    alice = client_of("alice")
    with monkeypatch.context() as dead:
        dead.setattr("onyx.core.db.outbox.deliver", lambda _letters: None)
        assert alice.post("/api/v1/users/me/erase", json={"email": world.alice.email}).status_code == 200
    with app.app_context():
        erasure.begin(world.acme.id, world.bob.id)
    source = Source(Path(made["path"]))
    beside = parse_id(restore.restore(owner_url, source, operator, slug=f"{world.acme.slug}-b")["tenant_id"])
    restore.restore(owner_url, source, operator)
    people = {row[0] for row in owner.execute(f"select id from {world.acme.schema}.app_user").fetchall()}
    assert world.alice.id not in people and world.bob.id in people, "what has not come cannot come any more"
    copied = {row[0] for row in owner.execute(f"select id from tenant_{beside.hex}.app_user").fetchall()}
    assert not {world.alice.id, world.bob.id} & copied, "a copy is not there to keep whoever is about to go"
    for tenant in (world.acme.id, beside):
        asked = "select count(*) from onyx.due where job = 'erasures' and tenant_id = %s and due_at <= now()"
        assert owner.execute(asked, [tenant]).fetchone() == (1,), "the job destroys the key"
        open_ones = owner.execute(
            "select user_id from onyx.erasure where tenant_id = %s and erased_at is null", [tenant]
        )
        assert world.alice.id in {row[0] for row in open_ones}
