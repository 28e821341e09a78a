"""Whoever is erased is gone: rows, index entries, key; a restore does not bring them back; the trail stays (C11)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from onyx.core.scope import tenant_scope
from onyx.core.signing import PublicKey, check_document
from onyx.tenancy import erasure, migrate
from onyx.tenancy.keyring import Destroyed, data_key
from onyx.tenancy.sealed import FILE, seal, unseal
from tests.keyring.conftest import upload


@pytest.fixture
def world(fresh_world):
    return fresh_world


ERASE = "/api/v1/users/me/erase"


def _rows_about(owner, tenant, person):
    """Every row of every table of the tenant that names the person as its user, the logs aside."""
    tables = owner.execute(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where relnamespace = %s::regnamespace and relkind = 'r' and attname = 'user_id' and not relispartition",
        [tenant.schema],
    ).fetchall()
    count = "select count(*) from {}.{} where user_id = %s"
    found = {t: owner.execute(count.format(tenant.schema, t), [person.id]).fetchone()[0] for (t,) in tables}
    return {table: number for table, number in found.items() if number}


def _public(client):
    import base64

    return [PublicKey(base64.b64decode(k["public_key"])) for k in client.get("/api/v1/signing-keys").get_json()["data"]]


def test_one_erases_oneself_and_keeps_the_certificate(app, client_of, world, owner):
    alice, bob = client_of("alice"), client_of("bob")
    upload(alice), upload(bob, "Bob's own.", "bob.txt")
    alice.post("/api/v1/chat", json={"text": "When does the harbour open?"})
    assert {"user_file", "file_passage", "chat_message", "login_session"} <= set(
        _rows_about(owner, world.acme, world.alice)
    )
    hidden = bytes(owner.execute(f"select sealed from {world.acme.schema}.user_file where user_id = %s",
                                 [world.alice.id]).fetchone()[0])  # fmt: skip
    assert alice.post(ERASE, json={"email": "somebody@else.example"}).status_code == 422
    answer = alice.post(ERASE, json={"email": world.alice.email.upper()})
    assert answer.status_code == 200, answer.text
    said = check_document(answer.get_json()["data"]["certificate"], _public(bob)[-1], "onyx.erasure-certificate/1")
    assert said["user_id"] == str(world.alice.id) and world.alice.email not in answer.text
    expires = datetime.fromisoformat(said["physical_backups_expire_at"])
    assert abs(expires - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)

    assert alice.get("/api/v1/users/me").status_code == 401
    assert _rows_about(owner, world.acme, world.alice) == {}
    for table in ("onyx.user_key", "onyx.directory"):
        column = "user_id = %s" if table == "onyx.user_key" else "%s::uuid is null"
        assert owner.execute(f"select count(*) from {table} where {column}", [world.alice.id]).fetchone() == (0,)
    found = owner.execute(f"select count(*) from {world.acme.schema}.search_messages('harbour'::tsquery, 9)").fetchone()
    assert found == (0,)
    with app.app_context():
        for by in (None, owner):
            with pytest.raises(Destroyed):
                unseal(FILE, hidden, b"", tenant=world.acme.id, user=world.alice.id, owner=by)
            with pytest.raises(Destroyed):
                data_key(world.acme.id, world.alice.id, owner=by)
    assert bob.get("/api/v1/files").get_json()["data"][0]["name"] == "bob.txt"
    sent = {"email": world.alice.email, "password": world.alice.password}
    assert app.test_client().post("/api/v1/auth/login", json=sent).status_code == 401


def test_the_trail_stays_and_tells_of_it(client_of, world, owner):
    alice = client_of("alice")
    upload(alice)
    schema = world.acme.schema
    before = owner.execute(
        f"select event_id from {schema}.audit_event where actor_id = %s", [world.alice.id]
    ).fetchall()
    certificate = alice.post(ERASE, json={"email": world.alice.email}).get_json()["data"]["certificate"]
    after = owner.execute(f"select event_id from {schema}.audit_event where actor_id = %s", [world.alice.id]).fetchall()
    assert set(before) < set(after)
    told = owner.execute(f"select action, actor->>'type', targets->0->>'id' from {schema}.audit_event"
                         " where action in ('user.erased', 'erasure.certified') order by action").fetchall()  # fmt: skip
    assert told == [("erasure.certified", "job", str(world.alice.id)), ("user.erased", "user", str(world.alice.id))]
    shown = client_of("dana").get("/api/v1/erasures").get_json()["data"]
    assert [(row["user_id"], row["certificate"]) for row in shown] == [(str(world.alice.id), certificate)]
    assert client_of("greta").get("/api/v1/erasures").get_json()["data"] == []
    assert client_of("bob").get("/api/v1/erasures").status_code == 403


def test_an_administrators_delete_does_the_same(client_of, world, owner):
    bob, dana = client_of("bob"), client_of("dana")
    upload(bob)
    assert dana.delete(f"/api/v1/users/{world.bob.id}").status_code == 200
    assert _rows_about(owner, world.acme, world.bob) == {}
    assert owner.execute("select count(*) from onyx.user_key where user_id = %s", [world.bob.id]).fetchone() == (0,)
    (row,) = dana.get("/api/v1/erasures").get_json()["data"]
    assert row["user_id"] == str(world.bob.id)
    assert check_document(row["certificate"], _public(dana)[-1])["user_id"] == str(world.bob.id)


def test_the_last_administrator_stays_and_keeps_the_key(app, client_of, world, owner):
    dana = client_of("dana")
    upload(dana)
    assert dana.post(ERASE, json={"email": world.dana.email}).status_code == 409
    assert owner.execute("select count(*) from onyx.user_key where user_id = %s", [world.dana.id]).fetchone() == (1,)
    assert dana.get("/api/v1/files").get_json()["data"]


def test_it_asks_whether_it_is_still_them_and_no_program_can(app, client_of, world, owner):
    alice = client_of("alice")
    key = alice.post("/api/v1/api-keys", json={"name": "k", "permissions": ["chat:use"], "days": 1}).get_json()["data"]
    program = app.test_client()
    program.token = key.get("key") or key.get("token") or key.get("secret")
    assert program.post(ERASE, json={"email": world.alice.email}).status_code == 403
    assert program.get("/api/v1/users/me/data").status_code == 403


# -- killed in between


def _job(app, world, monkeypatch):
    from jobs import erasures
    from jobs.runner import Run
    from onyx.core.actor import Actor

    run = Run(
        "x", "erasures.finish", world.acme.id, Actor(world.acme.id, "", "", None, "", "Onyx"), None, lambda *_: None
    )
    with app.app_context(), tenant_scope(world.acme.id, erasure.PURPOSE):
        return erasures.finish(run)


def test_a_process_that_dies_after_the_commit_leaves_it_to_the_job(app, client_of, world, owner, monkeypatch):
    alice = client_of("alice")
    upload(alice)
    with monkeypatch.context() as dead:
        dead.setattr("onyx.core.db.outbox.deliver", lambda _letters: None)
        assert alice.post(ERASE, json={"email": world.alice.email}).get_json()["data"]["certificate"] is None
    held = "select count(*) from onyx.user_key where user_id = %s"
    assert owner.execute(held, [world.alice.id]).fetchone() == (1,)
    assert owner.execute("select count(*) from onyx.due where job = 'erasures' and tenant_id = %s",
                         [world.acme.id]).fetchone() == (1,)  # fmt: skip
    assert _job(app, world, monkeypatch).effects == 1
    assert owner.execute(held, [world.alice.id]).fetchone() == (0,)
    assert _job(app, world, monkeypatch).effects == 0
    (row,) = client_of("dana").get("/api/v1/erasures").get_json()["data"]
    assert row["certificate"]["content"]["user_id"] == str(world.alice.id)


def test_what_was_begun_and_never_committed_is_taken_back(app, client_of, world, owner, monkeypatch):
    alice = client_of("alice")
    with app.app_context():
        erasure.begin(world.acme.id, world.alice.id)
    assert _job(app, world, monkeypatch).next_at is not None, "it may yet commit"
    owner.execute("update onyx.erasure set begun_at = now() - interval '1 hour' where user_id = %s", [world.alice.id])
    done = _job(app, world, monkeypatch)
    assert (done.effects, done.next_at) == (0, None)
    assert owner.execute("select count(*) from onyx.erasure where user_id = %s", [world.alice.id]).fetchone() == (0,)
    assert alice.get(f"/api/v1/files/{upload(alice)}/content").text == "The harbour opens at nine."


# -- restores


def test_a_restored_copy_brings_nobody_back(app, client_of, world, owner):
    """Rows and ciphertext come back from a backup; the key does not, and replay() removes the rows again."""
    alice = client_of("alice")
    upload(alice)
    schema, person = world.acme.schema, world.alice.id
    kept = {}
    for table in ("app_user", "profile", "user_file"):
        column = "id" if table == "app_user" else "user_id"
        kept[table] = owner.execute(f"select t.* from {schema}.{table} t where {column} = %s", [person]).fetchall()
    columns = {table: [c.name for c in owner.execute(f"select * from {schema}.{table} limit 0").description]
               for table in kept}  # fmt: skip
    assert alice.post(ERASE, json={"email": world.alice.email}).status_code == 200

    def bring_back():
        for table, found in kept.items():
            owner.execute(f"alter table {schema}.{table} disable trigger recorded")
            for row in found:
                values = [json.dumps(value) if isinstance(value, dict) else value for value in row]
                marks = ", ".join(["%s"] * len(row))
                owner.execute(f"insert into {schema}.{table} ({', '.join(columns[table])}) values ({marks})", values)
            owner.execute(f"alter table {schema}.{table} enable trigger recorded")

    with owner.transaction():
        bring_back()
    file = dict(zip(columns["user_file"], kept["user_file"][0], strict=True))
    with app.app_context(), pytest.raises(Destroyed):
        unseal(FILE, bytes(file["sealed"]), file["id"].bytes, tenant=world.acme.id, user=person)
    with owner.transaction():
        assert erasure.replay(owner, world.acme.id) == 1
    with owner.transaction():
        assert erasure.replay(owner, world.acme.id) == 0
    assert _rows_about(owner, world.acme, world.alice) == {}
    told = owner.execute(
        f"select reason, actor->>'type' from {schema}.audit_event where purpose = 'job:restore'"
    ).fetchall()
    assert told == [("erased_before_the_restore", "job")]


def test_a_copy_beside_the_original_leaves_out_the_erased(app, client_of, world, owner, owner_url):
    import os

    from onyx.tenancy import key_custody

    alice, bob = client_of("alice"), client_of("bob")
    upload(alice), upload(bob)
    hidden = {
        name: bytes(
            owner.execute(f"select sealed from {world.acme.schema}.user_file where user_id = %s", [id]).fetchone()[0]
        )
        for name, id in (("alice", world.alice.id), ("bob", world.bob.id))
    }
    files = dict(owner.execute(f"select user_id, id from {world.acme.schema}.user_file").fetchall())
    alice.post(ERASE, json={"email": world.alice.email})
    twin = migrate.provision(owner_url, f"twin-{os.urandom(4).hex()}", "Twin")
    with owner.transaction():
        key_custody.put_in(owner, twin, key_custody.taken_along(owner, world.acme.id))
        erasure.replay(owner, twin, world.acme.id)
    with app.app_context():
        plain = unseal(FILE, hidden["bob"], files[world.bob.id].bytes, tenant=twin, user=world.bob.id)
        assert plain == b"The harbour opens at nine."
        with pytest.raises(Destroyed):
            unseal(FILE, hidden["alice"], files[world.alice.id].bytes, tenant=twin, user=world.alice.id)
        with pytest.raises(Destroyed):
            seal("t", b"", b"", tenant=twin, user=world.alice.id)


def test_erasing_reaches_open_sockets(socket_of, server, client_of, world):
    socket = socket_of("alice", server())
    alice = client_of("alice")
    assert alice.post(ERASE, json={"email": world.alice.email}).status_code == 200
    assert socket.wait_for("session:revoked")["reason"] == "erased"
