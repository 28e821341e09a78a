"""The access log loses nothing: not by kill -9, not by a flushed Redis, not by a poisoned line; and doubles nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from onyx.core.actor import Actor, Request
from onyx.core.ids import uuid7
from onyx.edge.access_log import AccessLog, rest_after
from tests.waiting import PATIENT


@pytest.fixture
def log(app, tmp_path):
    with app.app_context():
        yield AccessLog(tmp_path)


def actor_in(tenant, user=None, **request) -> Actor:
    return Actor(
        tenant, "", "", user, "", "", request=Request(**{"id": "r", "method": "GET", "route": "/x", **request})
    )


def written(owner, tenant, where="true"):
    return owner.execute(
        f"select object, status from {tenant.schema}.access_entry where {where} order by object"
    ).fetchall()


def eventually(question, seconds=PATIENT):
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


def test_each_request_is_one_line_with_who_what_and_how_it_ended(app, client_of, world, owner):
    dana = client_of("dana")
    dana.get("/api/v1/audit/events", headers={"User-Agent": "prober/1"})
    with app.app_context():
        app.extensions["onyx"].access_log.drain()
    found = owner.execute(
        f"select user_id, session_id, method, route, status, ip, duration_us > 0 from {world.acme.schema}.access_entry"
        " where user_agent = 'prober/1'"
    ).fetchall()
    assert [(str(r[0]), str(r[1]), *r[2:]) for r in found] == [
        (str(world.dana.id), dana.signed_in["session_id"], "GET", "/api/v1/audit/events", 403, "127.0.0.1", True)
    ]


def test_a_spool_that_is_drained_twice_is_written_once(log, world, owner, tmp_path):
    log.write(actor_in(world.acme.id), "http", "twice", 200, 0.001)
    spool = next(tmp_path.glob("access-*.log"))
    copy = spool.read_bytes()
    assert log.drain() == 1
    spool.write_bytes(copy)
    log.drain()
    assert written(owner, world.acme, "object = 'twice'") == [("twice", 200)]


def test_a_line_goes_to_its_own_tenant(log, world, owner):
    log.write(actor_in(world.acme.id), "http", "acme's", 200, 0.001)
    log.write(actor_in(world.globex.id), "http", "globex's", 200, 0.001)
    log.drain()
    assert written(owner, world.acme, "object like '%''s'") == [("acme's", 200)]
    assert written(owner, world.globex, "object like '%''s'") == [("globex's", 200)]


def test_a_tenant_whose_lines_cannot_be_written_keeps_no_other(log, world, owner, tmp_path):
    for tenant, name in ((world.acme, "waiting"), (world.globex, "not waiting")):
        log.write(actor_in(tenant.id), "http", name, 200, 0.001)
    owner.execute(f"revoke execute on function {world.acme.schema}.access_append(jsonb) from {world.acme.schema}")
    try:
        assert log.drain() == 1
    finally:
        owner.execute(f"grant execute on function {world.acme.schema}.access_append(jsonb) to {world.acme.schema}")
    assert written(owner, world.globex, "object = 'not waiting'") == [("not waiting", 200)]
    assert written(owner, world.acme, "object = 'waiting'") == []
    assert log.drain() == 1
    assert written(owner, world.acme, "object = 'waiting'") == [("waiting", 200)]


@pytest.mark.parametrize(("took", "pause"), [(0.01, 1.0), (0.5, 4.5), (60.0, 10.0)])
def test_draining_takes_a_tenth_of_the_time_and_no_line_waits_for_long(took, pause):
    assert rest_after(took, 1.0) == pause


def test_control_characters_do_not_block_the_log(log, world, owner):
    log.write(
        actor_in(world.acme.id, user_agent="a\x00\u2028\n\tb\ud800\\u0000"), "http", "nul\x00\n\tline", 404, 0.001
    )
    assert log.drain() == 1
    assert written(owner, world.acme, "object like 'nul%'") == [("nul\n\tline", 404)]


def test_a_poisoned_line_keeps_no_other(log, world, owner, tmp_path):
    gone, good = uuid7(), f"good-{os.urandom(3).hex()}"
    bad = {"occurred_at": "no time", "id": uuid7().hex}
    whole = [json.dumps(bad), "{broken}"]
    for number, (tenant, text) in enumerate([("no tenant", "{}"), *((world.acme.id.hex, t) for t in whole)]):
        (tmp_path / f"access-999999-{number}.log").write_text(f"{tenant}\t{text}\n")
    log.write(actor_in(gone), "http", "nobody's", 200, 0.001)
    log.write(actor_in(world.acme.id), "http", good, 200, 0.001)
    log.drain()
    assert written(owner, world.acme, f"object = '{good}'") == [(good, 200)]
    assert not list(tmp_path.glob("access-*")), "what can never be written must not be tried for ever"
    assert len((tmp_path / "refused-access.log").read_text().splitlines()) == 4


def test_a_missing_partition_leaves_the_lines_on_disk(log, world, owner, tmp_path):
    log.write(actor_in(world.acme.id), "http", "in time", 200, 0.001)
    spool = next(tmp_path.glob("access-*.log"))
    text = spool.read_text()
    year = time.gmtime().tm_year
    spool.write_text(text + text.replace(f'"{year}-', f'"{year + 7}-').replace("in time", "too early"))
    log.drain()
    assert written(owner, world.acme, "object in ('in time', 'too early')") in ([], [("in time", 200)])
    left = "".join(path.read_text() for path in tmp_path.glob("access-*"))
    assert "too early" in left


def test_half_a_line_of_a_killed_process_is_skipped_and_the_rest_is_kept(log, world, owner, tmp_path):
    log.write(actor_in(world.acme.id), "http", "whole", 200, 0.001)
    spool = next(tmp_path.glob("access-*.log"))
    half = spool.read_text()[:60]
    id = json.loads(spool.read_text().partition("\t")[2])["id"]
    dead = spool.read_text().replace("whole", "of the dead").replace(id, uuid7().hex)
    (tmp_path / "access-999999-1.log").write_text(dead + half)
    log.drain()
    assert written(owner, world.acme, "object in ('whole', 'of the dead')") == [("of the dead", 200), ("whole", 200)]


def test_a_full_disk_does_not_fail_the_request(app, log, world, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    log.write(actor_in(world.acme.id), "http", "x", 200, 0.001)
    monkeypatch.setattr(os, "write", full)
    log.write(actor_in(world.acme.id), "http", "y", 200, 0.001)


@pytest.mark.slow
def test_kill_9_of_a_web_process_and_a_redis_flush_lose_no_line(server, sign_in, world, owner, app, addresses):
    mine = server(fresh=True)
    token = sign_in("alice")["token"]
    with mine.http(token) as alice:
        for number in range(20):
            assert alice.get("/api/v1/users/me", headers={"User-Agent": f"killed/{number}"}).ok
    for pid in mine.pids():
        os.kill(pid, signal.SIGKILL)
    app.extensions["onyx"].store.client.flushall()
    app.extensions["onyx"].bus.suspect()

    def all_there():
        with app.app_context():
            app.extensions["onyx"].access_log.drain()
        found = owner.execute(
            f"select user_agent from {world.acme.schema}.access_entry where user_agent like 'killed/%'"
        ).fetchall()
        return len(found) == 20 and found

    assert len(set(eventually(all_there) or ())) == 20


def test_a_file_is_not_taken_from_a_process_that_lives(log, world, owner, tmp_path):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        time.sleep(0.3)
        log.write(actor_in(world.acme.id), "http", "x", 200, 0.001)
        mine = next(tmp_path.glob("access-*.log"))
        theirs = tmp_path / f"access-{other.pid}-{time.time_ns()}.log"
        theirs.write_bytes(mine.read_bytes())
        log.drain()
        assert theirs.exists()
    finally:
        other.kill()
        other.wait()
    log.drain()
    assert not theirs.exists()
