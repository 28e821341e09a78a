"""Schedulers and workers as processes: one leader, kill -9, a job that is done again, SIGTERM."""

import os
import signal
import time
from uuid import UUID

import pytest

from jobs.schedule import LEADER, NEXT, tick
from onyx.core.ids import uuid7
from onyx.edge import queue
from onyx.edge.store import Store
from onyx.work.table import TABLE
from tests.waiting import PATIENT

from .conftest import SCHEDULE, eventually

pytestmark = pytest.mark.usefixtures("empty_queues")


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def store(addresses):
    return Store(addresses["REDIS_URL"])


def test_of_two_schedulers_one_places_each_job_once(store, world, redis, addresses):
    with queue.connect(addresses["REDIS_URL"]) as connection:
        placed = [tick(store, connection, name, world.platform.id) for name in ("one", "two", "one", "two")]
        assert placed == [[entry.name for entry in TABLE], [], [], []]
        assert sum(queue.lengths(connection).values()) == len(TABLE)
        redis.hset(NEXT, "sessions.expire", time.time() - 1)
        redis.delete(queue.mark_of("sessions.expire", None))
        assert tick(store, connection, "two", world.platform.id) == [], "who does not lead places nothing"
        assert tick(store, connection, "one", world.platform.id) == ["sessions.expire"]
        roles = {process["name"]: process["role"] for process in queue.alive(store)}
        assert (roles["one"], roles["two"]) == ("scheduler", "scheduler (standing by)")


def test_what_is_due_next_survives_a_change_of_leader(store, world, redis, addresses):
    with queue.connect(addresses["REDIS_URL"]) as connection:
        tick(store, connection, "one", world.platform.id)
        redis.delete(LEADER)
        assert tick(store, connection, "two", world.platform.id) == []
        redis.hset(NEXT, "sessions.expire", time.time() - 1)
        redis.delete(queue.mark_of("sessions.expire", None))
        assert tick(store, connection, "two", world.platform.id) == ["sessions.expire"]


def test_a_job_that_waits_is_not_placed_again(store, world, redis, addresses):
    with queue.connect(addresses["REDIS_URL"]) as connection:
        tick(store, connection, "one", world.platform.id)
        before = queue.lengths(connection)
        redis.delete(NEXT)
        assert tick(store, connection, "one", world.platform.id) == []
        assert queue.lengths(connection) == before


def leaders(redis):
    holder = redis.get(LEADER)
    return int(holder.decode().split("-")[-2]) if holder else None


@pytest.mark.slow
def test_another_scheduler_takes_over_from_a_killed_leader(process, redis):
    first, second = process("schedule"), process("schedule")
    leader = eventually(lambda: leaders(redis))
    assert leader in (first.pid, second.pid)
    os.kill(leader, signal.SIGKILL)
    other = ({first.pid, second.pid} - {leader}).pop()
    assert eventually(lambda: leaders(redis) == other)
    survivor = first if first.pid == other else second
    survivor.terminate()
    assert survivor.wait(PATIENT) == 0
    assert leaders(redis) is None


def state_of(owner, world, signed_in):
    return owner.execute(
        f"select state from {world.acme.schema}.login_session where id = %s", [signed_in["session_id"]]
    ).fetchone()[0]


@pytest.mark.slow
def test_what_a_killed_worker_had_begun_is_done_again(
    process, world, owner, owner_url, sign_in, make_old, events, addresses, redis
):
    import psycopg

    old = sign_in("alice")
    make_old(old, "idle")
    worker = process("worker")
    with psycopg.connect(owner_url) as blocker, queue.connect(addresses["REDIS_URL"]) as connection:
        blocker.execute(f"lock table {world.acme.schema}.login_session in access exclusive mode")
        queue.place(
            connection,
            "default",
            "sessions.expire",
            world.platform.id,
            SCHEDULE,
            queue.mark_of("sessions.expire", None),
        )
        key = f"t:{world.acme.id}:job:sessions.expire:lease"
        assert eventually(lambda: redis.get(key)), "the worker did not begin"
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert state_of(owner, world, old) == "active"
    # Its claim on the tenant lasts a minute, in which nobody else would look: let them pass.
    owner.execute("update onyx.due set due_at = now() where tenant_id = %s", [UUID(old["user"]["tenant"]["id"])])
    again = process("worker")
    assert eventually(lambda: state_of(owner, world, old) == "expired")
    assert len(events(world.acme, "session.expired")) == 1
    again.terminate()
    assert again.wait(PATIENT) == 0


@pytest.mark.slow
def test_a_job_that_kills_its_worker_is_given_up(app, redis, addresses):
    from rq.registry import StartedJobRegistry

    from jobs.worker import reclaim

    with queue.connect(addresses["REDIS_URL"]) as connection:
        queue.place(connection, "default", "sessions.expire", uuid7(), SCHEDULE, queue.mark_of("sessions.expire", None))
        wanted = queue.queue("default", connection)
        taken = []
        while waiting := wanted.job_ids:
            job_id = wanted.pop_job_id()
            taken += waiting
            redis.hset(f"rq:job:{job_id}", mapping={"worker_name": "dead-1-1", "status": "started"})
            redis.zadd(StartedJobRegistry(queue=wanted).key, {f"{job_id}:execution": time.time() + 600})
            reclaim(app.extensions["onyx"], connection)
        assert len(taken) == 4 and len(set(taken)) == 1, "begun once and done again three times"
