"""Many organisations do not keep each other, other jobs, or a person waiting (J3, T11)."""

import json
import os
import threading

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs import due, runner, steward
from onyx.backups import due as backups_due
from onyx.backups.operations import BACKUP, DRILL
from onyx.core.ids import uuid7
from onyx.core.scope import Scope
from onyx.edge import queue
from onyx.tenancy.steward import claim, forget_old
from onyx.tenants import usage_days

from .conftest import eventually

MANY = 1000


pytestmark = pytest.mark.usefixtures("empty_queues")


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def crowd(owner):
    """A thousand organisations that exist for a transaction: rows of the control plane, two hours old."""
    mark = os.urandom(3).hex()
    with owner.transaction(force_rollback=True):
        owner.execute("delete from onyx.steward_request where state in ('queued', 'running')")
        owner.execute(
            "insert into onyx.tenant (id, slug, name, status, created_at) select gen_random_uuid(),"
            " 'crowd-' || %s || '-' || n, 'Crowd', 'active', now() - interval '2 hours' from generate_series(1, %s) n",
            [mark, MANY],
        )
        yield [row[0] for row in owner.execute("select id from onyx.tenant where slug like %s", [f"crowd-{mark}-%"])]


def test_a_long_sweep_lets_others_have_their_turn_and_goes_on(
    world, run_job, sign_in, make_old, monkeypatch, addresses, owner
):
    owner.execute("delete from onyx.due where job = 'sessions'")  # what tests before this one left
    for name in ("alice", "mallory"):
        make_old(sign_in(name), "idle")
    monkeypatch.setattr(runner, "SLICE", 0)
    first = run_job("sessions.expire")
    assert (first.tenants, first.effects) == (1, 1), "one at least, then whatever else waits"
    with queue.connect(addresses["REDIS_URL"]) as connection:
        (waiting,) = queue.queue("default", connection).get_job_ids()
        again = Job.fetch(waiting, connection=connection, serializer=JSONSerializer)
        assert again.args == ["sessions.expire"]
    rest = run_job("sessions.expire", **{name: again.meta[name] for name in ("tenant", "actor")})
    assert (rest.tenants, rest.effects) == (1, 1)


def test_who_asks_for_a_check_comes_before_all_that_are_due(app, world, owner, client_of, sign_in):
    owner.execute(
        "insert into onyx.due select id, 'isolation', now() - interval '1 year' from onyx.tenant"
        " on conflict (job, tenant_id) do update set due_at = excluded.due_at"
    )
    assert client_of("gus").post("/api/v1/isolation/check").status_code == 202
    with app.app_context():
        found = due.tenants_due(Scope(world.platform.id, "job:control"), "isolation")
    assert found[0] == world.globex.id and len(found) > 2


def test_the_nights_backups_are_spread_over_the_day(owner, crowd):
    placed = [backups_due.backups(owner, 24) for _ in range(3)]
    active = owner.execute("select count(*) from onyx.tenant where status = 'active'").fetchone()[0]
    assert placed == [-(-2 * active // 24), 0, 0], "twice the share of an hour, and no more while those wait"
    seen = set()
    for _ in range(12):
        rows = owner.execute(
            "update onyx.steward_request set state = 'done' where operation = %s and state = 'queued'"
            " returning (arguments->>'tenant_id')::uuid", [BACKUP],
        ).fetchall()  # fmt: skip
        for (tenant,) in rows:
            seen.add(tenant)
            state = "failed" if tenant == crowd[0] else "done"
            owner.execute(
                "insert into onyx.backup (id, tenant_id, slug, name, kind, state) values (%s, %s, 'x', 'x', 'nightly', %s)",
                [uuid7(), tenant, state],
            )
        backups_due.backups(owner, 24)
    assert seen >= set(crowd), "half a day brings everybody's turn, though one fails each time"


def test_drills_are_spread_over_the_week(owner, crowd):
    owner.execute(
        "insert into onyx.backup (id, tenant_id, slug, name, kind, state) select gen_random_uuid(), id, slug, 'x', 'nightly', 'done'"
        " from onyx.tenant where id = any(%s)", [crowd],
    )  # fmt: skip
    assert backups_due.drills(owner, 24) == backups_due.LEAST
    owner.execute("update onyx.backup set drill_at = now() where tenant_id = any(%s)", [crowd])
    owner.execute("update onyx.steward_request set state = 'done' where operation = %s", [DRILL])
    others = owner.execute("select count(distinct tenant_id) from onyx.backup where drill_at is null").fetchone()[0]
    assert backups_due.drills(owner, 24) <= others, "who was tried this week is not tried again"


def test_a_person_does_not_wait_for_a_thousand_nightly_backups(owner, crowd):
    place = "insert into onyx.steward_request (id, operation, arguments, requested_by) values (%s, %s, '{}', %s)"
    for tenant in crowd[:100]:
        owner.execute(place, [tenant, BACKUP, None])
    mine = uuid7()
    owner.execute(place, [mine, BACKUP, uuid7()])
    assert claim(owner, only=[BACKUP]) == mine
    assert claim(owner, only=[BACKUP]) in crowd


def test_requests_are_kept_for_a_while_and_then_forgotten(owner):
    ids = [uuid7() for _ in range(3)]
    for id, state, days in zip(ids, ("done", "done", "queued"), (91, 89, 400), strict=True):
        owner.execute(
            "insert into onyx.steward_request (id, operation, arguments, state, created_at, finished_at)"
            " values (%s, 'nothing', '{}', %s, now() - %s * interval '1 day', now() - %s * interval '1 day')",
            [id, state, days, days],
        )
    assert forget_old(owner) >= 1
    left = owner.execute("delete from onyx.steward_request where id = any(%s) returning id", [ids]).fetchall()
    assert {row[0] for row in left} == set(ids[1:])


def test_requests_are_served_while_the_steward_goes_round_everybody(app, owner, owner_url, world, monkeypatch, redis):
    begun, go_on = threading.Event(), threading.Event()

    def measuring(_url):
        begun.set()
        go_on.wait(600)
        return 0, 0

    monkeypatch.setattr(steward, "measure_all", measuring)
    made = steward.Steward(app.extensions["onyx"].settings, owner_url)
    threading.Thread(target=made._serve_rounds, args=(None,), daemon=True).start()
    queue.place(
        made._queue.connection, "steward", steward.MEASURE, world.platform.id, {"kind": "schedule"}, "onyx:mark-x"
    )
    try:
        made._take_from_queue()
        assert begun.wait(60)
        id = uuid7()
        owner.execute(
            "insert into onyx.steward_request (id, operation, arguments) values (%s, 'make_partitions', %s)",
            [id, json.dumps({"tenant": str(world.acme.id)})],
        )
        made._serve_requests()
        assert owner.execute("select state from onyx.steward_request where id = %s", [id]).fetchone() == ("done",)
        assert not go_on.is_set()
    finally:
        go_on.set()
    assert eventually(lambda: redis.lrange("onyx:job:tenants.measure:runs", 0, 0))
    made._database.close()


def test_what_was_used_long_ago_is_forgotten(owner, owner_url, world):
    used, reached = (f"{world.acme.schema}.{name}" for name in ("usage_day", "quota_reached"))
    owner.execute(f"alter table {reached} disable trigger user")
    for days in (0, usage_days.DAYS, usage_days.DAYS + 1):
        owner.execute(f"insert into {used} values (%s, current_date - %s::int, 'messages', 1)", [world.alice.id, days])
        owner.execute(f"insert into {reached} values ('users', current_date - %s::int)", [days])
    owner.execute(f"alter table {reached} enable trigger user")
    _visited, gone, failed = usage_days.forget_all(owner_url)
    assert gone >= 2 and failed == 0
    for table in (used, reached):
        left = owner.execute(f"select current_date - day from {table} order by 1").fetchall()
        assert left == [(0,), (usage_days.DAYS,)]
