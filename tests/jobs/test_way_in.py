"""A job carries its tenant and whoever asked, and is refused otherwise; it runs under a lease that fences."""

import threading

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from jobs.asker import Refused
from jobs.lease import Busy, Lease, LeaseLost
from onyx.audit.actions import Action
from onyx.audit.record import record
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.ids import uuid7
from onyx.core.scope import tenant_scope
from onyx.edge import queue

from .conftest import SCHEDULE


@pytest.fixture
def world(fresh_world):
    return fresh_world


def asked_by(signed_in):
    return {"kind": "user", "user": signed_in["user"]["id"], "session": signed_in["session_id"], "email": "forged@x"}


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "meta",
    [
        {"tenant": None}, {"tenant": ""}, {"tenant": "acme"}, {"tenant": 7}, {"actor": None}, {"actor": "schedule"},
        {"actor": {}}, {"actor": {"kind": "user"}}, {"actor": {"kind": "root"}},
    ],
)  # fmt: skip
def test_a_job_without_tenant_or_asker_is_refused(meta, run_job):
    with pytest.raises(Refused):
        run_job("sessions.expire", **meta)


def test_the_schedule_speaks_for_the_platform_alone(world, run_job):
    with pytest.raises(Refused):
        run_job("sessions.expire", tenant=world.acme.id.hex)


def test_an_admin_runs_a_job_for_their_own_tenant_whatever_is_due(world, run_job, sign_in, make_old, events):
    mine, theirs, dana = sign_in("alice"), sign_in("mallory"), sign_in("dana")
    make_old(mine, "idle")
    make_old(theirs, "idle")
    done = run_job("sessions.expire", tenant=world.acme.id.hex, actor=asked_by(dana))
    assert (done.outcome, done.effects, done.started_by) == ("success", 1, world.dana.email)
    assert [e[4] for e in events(world.acme, "session.expired")] == [world.dana.id]
    assert events(world.globex, "session.expired") == []


def test_an_admin_cannot_ask_in_the_name_of_another_tenant(world, run_job, sign_in):
    with pytest.raises(Refused):
        run_job("sessions.expire", tenant=world.globex.id.hex, actor=asked_by(sign_in("dana")))


def test_an_admin_cannot_do_the_work_of_the_installation(world, run_job, sign_in):
    with pytest.raises(Refused):
        run_job("revocations.prune", tenant=world.acme.id.hex, actor=asked_by(sign_in("dana")))


@pytest.mark.shares_world
@pytest.mark.parametrize("name", ["alice", "carol", "lee"])
def test_others_cannot_ask(name, world, run_job, sign_in):
    with pytest.raises(Refused):
        run_job("sessions.expire", tenant=world.acme.id.hex, actor=asked_by(sign_in(name)))


def test_who_signed_out_or_was_suspended_meanwhile_is_refused(world, owner, run_job, sign_in, client_of):
    gone, here = client_of("dana"), sign_in("dana")
    gone.post("/api/v1/auth/logout")
    with pytest.raises(Refused):
        run_job("sessions.expire", tenant=world.acme.id.hex, actor=asked_by(gone.signed_in))
    with owner.transaction():
        owner.execute(f"alter table {world.acme.schema}.app_user disable trigger recorded")
        owner.execute(f"update {world.acme.schema}.app_user set status = 'suspended' where id = %s", [world.dana.id])
        owner.execute(f"alter table {world.acme.schema}.app_user enable trigger recorded")
    with pytest.raises(Refused):
        run_job("sessions.expire", tenant=world.acme.id.hex, actor=asked_by(here))


def test_a_queued_job_without_tenant_fails_and_changes_nothing(app, world, owner, sign_in, make_old, redis, addresses):
    make_old(sign_in("alice"), "idle")
    with queue.connect(addresses["REDIS_URL"]) as connection, app.app_context():
        wanted = queue.queue(f"test-{uuid7().hex}", connection)
        job = wanted.enqueue_call("jobs.runner.perform", args=("sessions.expire",), meta={"actor": SCHEDULE})
        SimpleWorker([wanted], connection=connection, serializer=JSONSerializer).work(
            burst=True, logging_level="CRITICAL"
        )
        assert job.get_status() == "failed"
    assert owner.execute(f"select state from {world.acme.schema}.login_session").fetchall() == [("active",)]


@pytest.fixture
def lease(app, world):
    made = []

    def make(process="test-1"):
        made.append(Lease(app.extensions["onyx"].store, "sessions.expire", world.acme.id, process))
        return made[-1]

    with app.app_context(), tenant_scope(world.acme.id, "job:sessions"):
        yield make


def test_a_second_run_is_refused_while_the_first_lives(lease):
    with lease("one").held({"one"}):
        with pytest.raises(Busy), lease("two").held({"one", "two"}):
            pass
    with lease("two").held({"one", "two"}):
        pass


def test_the_lease_of_a_dead_process_is_taken_at_once(lease):
    with lease("dead").held({"dead"}), lease("two").held({"two"}):
        pass


def written_by(owner, world):
    return owner.execute(
        f"select count(*) from {world.acme.schema}.audit_event where action = 'job.started'"
    ).fetchone()[0]


def note(session, world):
    record(session, Actor(world.acme.id, "", "", None, "", "t", kind="job"), Action.JOB_STARTED)


def test_who_lost_the_lease_cannot_commit(lease, world, owner):
    late = lease("late")
    with late.held({"late"}), lease("next").held({"next"}):
        with pytest.raises(LeaseLost), late.unit_of_work() as session:
            note(session, world)
    assert written_by(owner, world) == 0


def test_two_transactions_of_one_job_never_overlap(app, lease, world, owner):
    first, second, refused = lease("one"), lease("two"), []

    def other():
        with app.app_context(), tenant_scope(world.acme.id, "job:sessions"):
            try:
                with second.unit_of_work() as session:
                    note(session, world)
            except Busy:
                refused.append(True)

    with first.held({"one"}), first.unit_of_work() as session:
        note(session, world)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert (refused, written_by(owner, world)) == ([True], 1)


def test_a_plain_transaction_is_not_fenced(lease, world, owner):
    """What the two tests above would be worth if nothing fenced: this commits."""
    with lease("late").held({"late"}), lease("next").held({"next"}), unit_of_work() as session:
        note(session, world)
    assert written_by(owner, world) == 1
