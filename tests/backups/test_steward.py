"""The steward's own process: what takes long does not keep what people wait for, and the schedule reaches it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from onyx.backups.operations import BACKUP
from onyx.core.ids import uuid7
from onyx.edge import queue
from onyx.work import ordering


@pytest.fixture
def process(serving, owner, owner_url):
    """`python -m jobs.steward`, with nothing waiting that other tests asked for."""
    owner.execute("delete from onyx.steward_request")
    environment = {**serving, "DATABASE_OWNER_URL": owner_url}
    with subprocess.Popen(
        [sys.executable, "-m", "jobs.steward"], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as started:
        yield started
        if started.poll() is None:
            os.kill(started.pid, signal.SIGKILL)


def _until(owner, statement, *values):
    until = time.monotonic() + 300
    while time.monotonic() < until:
        row = owner.execute(statement, list(values)).fetchone()
        if row and row[0]:
            return row[0]
        time.sleep(0.1)
    raise AssertionError("the steward did not get there")


@pytest.mark.slow
def test_the_stewards_process_saves_what_is_due(owner, app, world, full, process):
    owner.execute("update onyx.tenant set created_at = now() - interval '2 hours' where id = %s", [world.acme.id])
    with app.app_context():
        mark = queue.mark_of("backups.make", None)
        place = (ordering.connection(), "steward", "backups.make", world.platform.id, {"kind": "schedule"}, mark)
        queue.place(*place)
    id = _until(
        owner, "select id from onyx.backup where tenant_id = %s and state = 'done' and kind = 'nightly'", world.acme.id
    )
    told = owner.execute(
        f"select actor->>'type', details->>'backup' from {world.acme.schema}.audit_event where action = 'backup.created'"
    ).fetchall()
    assert told == [("job", str(id))]


@pytest.mark.slow
def test_a_long_request_keeps_nobody_waiting(owner, app, world, full, process):
    """While one tenant is locked, so that its backup cannot get on, another request is carried out."""
    long, quick = uuid7(), uuid7()
    place = "insert into onyx.steward_request (id, operation, arguments) values (%s, %s, %s)"
    with owner.transaction():
        owner.execute(f"lock table {world.acme.schema}.chat_message in access exclusive mode")
        with_other = _another(owner)
        try:
            with_other.execute(place, [long, BACKUP, json.dumps({"tenant_id": str(world.acme.id)})])
            _until(with_other, "select state = 'running' from onyx.steward_request where id = %s", long)
            with_other.execute(place, [quick, "make_partitions", "{}"])
            _until(with_other, "select state = 'done' from onyx.steward_request where id = %s", quick)
            state = with_other.execute("select state from onyx.steward_request where id = %s", [long]).fetchone()
            assert state == ("running",)
        finally:
            with_other.close()
    assert _until(owner, "select state = 'done' from onyx.steward_request where id = %s", long)


def _another(owner):
    return psycopg.connect(owner.info.dsn, password=owner.info.password, autocommit=True)
