"""Keys are replaced while everything stays readable, and a kill at any step leaves something that can be finished."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys

import pytest

from onyx.core import master
from onyx.core.ids import uuid7
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
    told = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert told.returncode != 0 and "ONYX_MASTER_KEY is not the master key of this database" in told.stderr
    assert "Traceback" not in told.stderr


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
