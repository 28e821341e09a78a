"""Keys are replaced while everything stays readable, and a kill at any step leaves something that can be finished."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys

import pytest

from onyx.access.resealing import reseal
from onyx.core import master
from onyx.core.db import unit_of_work
from onyx.core.ids import uuid7
from onyx.core.scope import tenant_scope
from onyx.core.sealing import seal as seal_as_before
from onyx.tenancy import boot_check, key_rotation, keyring, master_check, migrate, signing
from onyx.tenancy.keyring import data_key
from onyx.tenancy.sealed import seal, unseal, version_of
from tests.keyring.conftest import new_key
from tests.server import ROOT, free_port

QUIET = (lambda *_: None,)


@pytest.fixture(autouse=True)
def _inside(app):
    with app.app_context():
        yield


@pytest.fixture
def place(owner_url):
    return migrate.provision(owner_url, f"rot-{os.urandom(4).hex()}", "Rotating")


def _secrets(place):
    people = [uuid7() for _ in range(5)]
    made = {(p, n): seal("t", f"{p}{n}".encode(), b"r", tenant=place, user=p) for p in people for n in range(2)}
    own = seal("t", b"own", b"r", tenant=place)
    return made, own


def _still_opens(place, made, own):
    keyring._rings.clear()
    assert unseal("t", own, b"r", tenant=place) == b"own"
    for (person, number), hidden in made.items():
        assert unseal("t", hidden, b"r", tenant=place, user=person) == f"{person}{number}".encode()


def test_a_tenants_keys_are_replaced_and_everything_stays_readable(place, owner):
    made, own = _secrets(place)
    version = key_rotation.begin_tenant(owner, place)
    assert version == 2 and key_rotation.begin_tenant(owner, place) == 2, "one rotation at a time"
    _still_opens(place, made, own)
    assert key_rotation.renew_people(owner, place, *QUIET) == 5
    assert key_rotation.renew_people(owner, place, *QUIET) == 0
    _still_opens(place, made, own)
    person = next(iter(made))[0]
    assert (data_key(place).version, data_key(place, person).version) == (2, 2)
    assert version_of(seal("t", b"", b"", tenant=place, user=person)) == 2
    above = owner.execute("select distinct tenant_version from onyx.user_key where tenant_id = %s", [place]).fetchall()
    assert above == [(2,)]
    key_rotation.settle(owner, place, 2)
    assert key_rotation.begin_tenant(owner, place) == 3


def test_somebody_who_was_erased_gets_no_new_key(place, owner):
    _secrets(place)
    key_rotation.begin_tenant(owner, place)
    owner.execute("delete from onyx.user_key where tenant_id = %s", [place])
    assert key_rotation.renew_people(owner, place, *QUIET) == 0
    assert owner.execute("select count(*) from onyx.user_key where tenant_id = %s", [place]).fetchone() == (0,)


_DRIVER = """
import os, signal, sys
import psycopg
from uuid import UUID
from onyx.core import master, secrets
from onyx.tenancy import key_rotation

def connection_that_dies(steps):
    class Connection(psycopg.Connection):
        def execute(self, *what, **more):
            nonlocal steps
            if steps == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            steps -= 1
            return super().execute(*what, **more)
    return Connection.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)

def rotate(steps):
    with connection_that_dies(steps) as owner:
        if sys.argv[1] == "master":
            key_rotation.rotate_master(owner, lambda *_: None)
        else:
            tenant = UUID(sys.argv[2])
            version = key_rotation.begin_tenant(owner, tenant)
            key_rotation.renew_people(owner, tenant, lambda *_: None)
            key_rotation.settle(owner, tenant, version)

secrets.install(os.environ["ONYX_SECRET_KEY"])
master.install(os.environ["ONYX_MASTER_KEY"], os.environ.get("ONYX_MASTER_KEY_PREVIOUS"))
key_rotation.BATCH = 2
for line in sys.stdin:
    child = os.fork()
    if not child:
        rotate(int(line))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def rotating(addresses):
    """`kill_at = rotating("tenant", place)`; `kill_at(n)` rotates, killed by signal 9 at the n-th statement.

    It returns whether the rotation came to its end before.
    """
    started = []

    def start(kind, place, **more):
        command = [sys.executable, "-c", _DRIVER, kind, str(place)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env={**os.environ, **addresses, **more}, **pipes)
        started.append(process)

        def kill_at(number):
            print(number, file=process.stdin, flush=True)
            status = int(process.stdout.readline())
            assert status in (0, -signal.SIGKILL)
            return status == 0

        return kill_at

    yield start
    for process in started:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def _only_current_versions(owner, place):
    row = owner.execute("select version, settled_at is not null from onyx.tenant_key"
                        " where tenant_id = %s and retired_at is null", [place]).fetchone()  # fmt: skip
    people = owner.execute(
        "select user_id, count(*), count(*) filter (where retired_at is null) from onyx.user_key where tenant_id = %s"
        " group by 1",
        [place],
    ).fetchall()
    return row, {(total, current) for _, total, current in people}


def test_a_kill_at_every_statement_of_a_tenants_rotation(place, owner, rotating):
    """Killed at each statement in turn; everything stays readable each time, and in the end it is done exactly once."""
    made, own = _secrets(place)
    kill_at, done, steps = rotating("tenant", place), False, 0
    while not done:
        done = kill_at(steps)
        steps += 1
        _still_opens(place, made, own)
    assert steps > 15
    assert _only_current_versions(owner, place) == ((2, True), {(2, 1)})


def test_the_master_key_is_replaced_killed_at_every_step(place, owner, addresses, masters, rotating):
    made, own = _secrets(place)
    before, new = addresses["ONYX_MASTER_KEY"], new_key()
    document = signing.signed_document("test/1", {"x": 1}, owner)
    masters(new, before)
    assert master_check.pending(owner)
    kill_at = rotating("master", place, ONYX_MASTER_KEY=new, ONYX_MASTER_KEY_PREVIOUS=before)
    done, steps = False, 0
    while not done:
        done = kill_at(steps)
        steps += 1
        _still_opens(place, made, own)
        assert signing.verify_document(signing.signed_document("test/1", {"x": 2}, owner), owner=owner) == {"x": 2}
        boot_check.require_walls()
    assert not master_check.pending(owner)
    masters(new)  # the previous one is taken away
    _still_opens(place, made, own)
    boot_check.require_walls()
    assert signing.verify_document(document, owner=owner) == {"x": 1}
    assert signing.signed_document("test/1", {"x": 3}, owner)["signature"]["key_id"] == document["signature"]["key_id"]
    masters(before, new)
    with pytest.raises(master.Wrong, match="was replaced before"):
        key_rotation.rotate_master(owner, *QUIET)
    masters(new)


def test_a_wrong_master_key_refuses_to_start_and_names_itself(addresses, masters, owner, place):
    data_key(place)
    right = addresses["ONYX_MASTER_KEY"]
    masters(new_key())
    for refuses in (boot_check.require_walls, lambda: master_check.require_master_of_owner(owner)):
        with pytest.raises(master_check.WrongMasterKey, match="ONYX_MASTER_KEY is not the master key of this database"):
            refuses()
    with pytest.raises(master.Wrong):
        data_key(place)
    with pytest.raises(master.Wrong):
        key_rotation.rotate_master(owner, *QUIET)
    masters(right)
    boot_check.require_walls()


def test_the_previous_key_is_asked_for_while_it_is_needed(addresses, masters, owner, place):
    before, new = addresses["ONYX_MASTER_KEY"], new_key()
    data_key(place)
    masters(new, before)
    key_rotation._make_current(owner, master.installed()[0])
    master.install(new)
    with pytest.raises(master_check.WrongMasterKey, match="ONYX_MASTER_KEY_PREVIOUS"):
        boot_check.require_walls()
    master.install(new, before)
    key_rotation.rotate_master(owner, *QUIET)
    masters(new)
    boot_check.require_walls()


@pytest.mark.parametrize("text", [None, "", "short", base64.b64encode(bytes(31)).decode(), "%" * 44])
def test_a_server_without_a_good_master_key_does_not_start(serving, text, tmp_path):
    """The real web process, as production starts it: it ends, and names the setting without telling the key."""
    environment = {**serving, "ONYX_MASTER_KEY": text or "", "ONYX_VAR": str(tmp_path)}
    if text is None:
        del environment["ONYX_MASTER_KEY"]
    told = subprocess.run(
        [sys.executable, "-c", "from config.settings import load; load()"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1 and "ONYX_MASTER_KEY" in told.stderr and "Traceback" not in told.stderr
    assert not text or text not in told.stderr


def test_a_server_with_anothers_master_key_does_not_start(serving):
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "wsgi:app"]
    environment = {**serving, "ONYX_MASTER_KEY": new_key(), "PORT": str(free_port())}
    told = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert told.returncode != 0 and "ONYX_MASTER_KEY is not the master key of this database" in told.stderr
    assert "Traceback" not in told.stderr


# -- what is stored is sealed anew


@pytest.fixture
def stored(client_of, world, owner):
    """Alice's file as it is now, one of an older version in the clear, and her code's secret as it was sealed then."""
    import io

    alice = client_of("alice")
    sent = {"file": (io.BytesIO(b"The harbour opens at nine."), "harbour.txt")}
    new = alice.post("/api/v1/files", data=sent, content_type="multipart/form-data").get_json()["data"]["id"]
    old, schema = uuid7(), world.acme.schema
    secret = seal_as_before("totp", b"JBSWY3DPEHPK3PXP", world.acme.id.bytes + world.bob.id.bytes)
    with owner.transaction():
        for table in ("user_file", "totp"):
            owner.execute(f"alter table {schema}.{table} disable trigger recorded")
        owner.execute(
            f"insert into {schema}.user_file (user_id, id, name, media_type, size, sha256, content)"
            " values (%s, %s, 'old.txt', 'text/plain', 3, '', 'An old text.')",
            [world.alice.id, old],
        )
        owner.execute(f"insert into {schema}.totp (user_id, sealed_secret) values (%s, %s) on conflict do nothing",
                      [world.bob.id, secret])  # fmt: skip
        for table in ("user_file", "totp"):
            owner.execute(f"alter table {schema}.{table} enable trigger recorded")
    yield alice, {new: "The harbour opens at nine.", str(old): "An old text."}


def _texts(alice, texts):
    return {id: alice.get(f"/api/v1/files/{id}/content").text for id in texts}


def test_no_content_lies_in_the_clear(stored, owner, world):
    alice, texts = stored
    assert _texts(alice, texts) == texts
    found = owner.execute(f"select id, content, sealed from {world.acme.schema}.user_file").fetchall()
    fresh = next(row for row in found if row[1] is None)
    assert b"harbour" not in bytes(fresh[2])


def test_rotating_by_command_seals_everything_anew(stored, world, owner, flask, actor_of):
    alice, texts = stored
    hidden = base64.b64encode(seal("model-key", b"sk-canary", b"model", tenant=world.acme.id)).decode()
    owner.execute("update onyx.tenant set settings = settings || jsonb_build_object('model_key_sealed', %s::text)"
                  " where id = %s", [hidden, world.acme.id])  # fmt: skip
    for version in (2, 3):
        done = flask("keys", "rotate", "--tenant", world.acme.slug, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.output)[0]["version"] == version
        assert _texts(alice, texts) == texts
        rows = owner.execute(f"select content, sealed from {world.acme.schema}.user_file").fetchall()
        assert all(content is None and version_of(bytes(sealed)) == version for content, sealed in rows)
    kept = owner.execute("select settings ->> 'model_key_sealed' from onyx.tenant where id = %s", [world.acme.id])
    model_key = base64.b64decode(kept.fetchone()[0])
    assert version_of(model_key) == 3
    assert unseal("model-key", model_key, b"model", tenant=world.acme.id) == b"sk-canary"
    hidden = owner.execute(f"select sealed_secret from {world.acme.schema}.totp where user_id = %s", [world.bob.id])
    sealed = bytes(hidden.fetchone()[0])
    assert version_of(sealed) == 3
    assert unseal("totp", sealed, world.bob.id.bytes, tenant=world.acme.id) == b"JBSWY3DPEHPK3PXP"
    seen = owner.execute(f"select distinct action, actor->>'type' from {world.acme.schema}.audit_event"
                         " where action in ('keys.rotated', 'seals.renewed')").fetchall()  # fmt: skip
    assert sorted(seen) == [("keys.rotated", "operator"), ("seals.renewed", "operator")]
    status = json.loads(flask("keys", "status", "--json").output)
    line = next(one for one in status["tenants"] if one["slug"] == world.acme.slug)
    assert (line["version"], line["rotation"], status["master_rotation"]) == (3, "none", "none")


def test_one_value_that_does_not_open_keeps_no_other_from_being_sealed(stored, world, owner, flask, actor_of):
    alice, texts = stored
    broken = next(iter(texts))
    with owner.transaction():
        owner.execute(f"alter table {world.acme.schema}.user_file disable trigger recorded")
        owner.execute(f"update {world.acme.schema}.user_file set sealed = overlay(sealed placing 'x'::bytea from 30)"
                      " where id = %s", [broken])  # fmt: skip
        owner.execute(f"alter table {world.acme.schema}.user_file enable trigger recorded")
    done = flask("keys", "rotate", "--tenant", world.acme.slug, "--json")
    assert done.exit_code == 0, done.output
    other = next(id for id in texts if id != broken)
    assert alice.get(f"/api/v1/files/{other}/content").text == texts[other]
    reason = owner.execute(f"select reason, details->'ids' from {world.acme.schema}.audit_event"
                           " where action = 'seals.renewed' and outcome = 'failure'").fetchall()  # fmt: skip
    assert ("not_genuine", [broken]) in reason


def test_nobody_but_the_sealing_job_changes_what_is_stored(stored, session_of):
    from sqlalchemy.exc import DBAPIError

    from onyx.core.db import rows

    with session_of("alice") as session:
        assert rows(session, "update user_file set content = 'x', sealed = null returning 1") == []
    with pytest.raises(DBAPIError), session_of("alice") as session:
        rows(session, "update user_file set name = 'x'")


def test_sealing_stopped_in_the_middle_goes_on(stored, world, actor_of, monkeypatch):
    from onyx.access import resealing

    alice, texts = stored
    monkeypatch.setattr(resealing, "BATCH", 1)
    seen = []

    def tell(done, _):
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    from onyx.core.actor import Actor

    job = Actor(world.acme.id, world.acme.slug, "", None, "", "Onyx", kind="job")
    with tenant_scope(world.acme.id, "job:keys"):
        with pytest.raises(KeyboardInterrupt):
            reseal(job, unit_of_work, tell)
        assert _texts(alice, texts) == texts
        reseal(job, unit_of_work, lambda *_: None)
        assert reseal(job, unit_of_work, lambda *_: None) == 0
    assert _texts(alice, texts) == texts


def test_the_embedded_installation_makes_and_forgets_its_own(tmp_path, monkeypatch):
    from onyx.embedded import keys, new_master

    monkeypatch.delenv("ONYX_MASTER_KEY")
    (tmp_path / "embedded.lock").touch()
    first = keys.load(tmp_path)["ONYX_MASTER_KEY"]
    path = new_master.make(tmp_path)
    known = keys.read(path)
    assert known["ONYX_MASTER_KEY_PREVIOUS"] == first != known["ONYX_MASTER_KEY"]
    assert new_master.make(tmp_path) and keys.read(path) == known, "asked again before a restart"
    assert path.stat().st_mode & 0o777 == 0o600
    assert new_master.forget_previous(tmp_path) and not new_master.forget_previous(tmp_path)
    assert keys.read(path)["ONYX_MASTER_KEY"] == known["ONYX_MASTER_KEY"]
    monkeypatch.setenv("ONYX_MASTER_KEY", first)
    assert new_master.make(tmp_path) is None, "the operator gives it"
