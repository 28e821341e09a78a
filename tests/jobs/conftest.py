"""Running jobs inside the test process, and real workers and schedulers where only those can show it."""

import os
import signal
import subprocess
import sys
import time
from uuid import UUID

import pytest

import jobs.keys
import jobs.replies
import jobs.sessions
import jobs.upkeep  # noqa: F401
from jobs import runner
from onyx.core.ids import uuid7
from tests.server import SECONDS_TO_READY

SCHEDULE = {"kind": "schedule"}


@pytest.fixture
def run_job(app, world):
    """Run a job as the schedule does: `run_job("sessions.expire")`, or with other meta."""

    def run(name, **meta):
        meta = {"tenant": world.platform.id.hex, "actor": SCHEDULE, **meta}
        with app.app_context():
            return runner.run(name, meta, uuid7().hex)

    return run


@pytest.fixture
def process(serving):
    """Start `python -m jobs.<name>`; killed at the end."""
    started = []

    def start(name):
        made = subprocess.Popen(
            [sys.executable, "-m", f"jobs.{name}"], env=serving, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started.append(made)
        return made

    yield start
    for one in started:
        if one.poll() is None:
            os.kill(one.pid, signal.SIGKILL)
        one.wait()


@pytest.fixture
def redis(app):
    return app.extensions["onyx"].store.client


@pytest.fixture
def empty_queues(redis):
    def clear():
        keys = [key for pattern in ("rq:*", "onyx:job:*") for key in redis.scan_iter(pattern)]
        if keys:
            redis.delete(*keys)

    clear()
    yield
    clear()


@pytest.fixture
def make_old(owner, world):
    """Make a login session old: `make_old(signed_in, "idle")` or `"expired"`, and its tenant due."""

    def age(signed_in, how):
        tenant = UUID(signed_in["user"]["tenant"]["id"])
        changed = (
            "last_seen_at = now() - interval '10 days'" if how == "idle" else "expires_at = now() - interval '1 s'"
        )
        owner.execute(
            f"update tenant_{tenant.hex}.login_session set {changed} where id = %s", [signed_in["session_id"]]
        )
        owner.execute(
            "insert into onyx.due values (%s, 'sessions', now()) on conflict (job, tenant_id) do update set due_at = now()",
            [tenant],
        )

    return age


@pytest.fixture
def events(owner):
    """The events of a tenant with an action, oldest first: rows (outcome, reason, actor, targets, actor_id)."""

    def read(tenant, action):
        return owner.execute(
            f"select outcome, reason, actor, targets, actor_id from {tenant.schema}.audit_event where action = %s"
            " order by recorded_at, event_id",
            [action],
        ).fetchall()

    return read


def eventually(question, seconds=SECONDS_TO_READY):
    """The first true answer, or the last one."""
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer
