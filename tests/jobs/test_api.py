"""The page of jobs: a tenant's admin sees and starts the tenant's, a platform admin everything, others nothing."""

import pytest

from onyx.edge import queue


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture(autouse=True)
def empty_queues(redis):
    for pattern in ("rq:*", "onyx:job:*"):
        for key in redis.scan_iter(pattern):
            redis.delete(key)


def jobs(client):
    answer = client.get("/api/v1/jobs")
    assert answer.status_code == 200, answer.text
    return answer.get_json()["data"]


def names(client):
    return [job["name"] for job in jobs(client)["jobs"]]


def test_who_sees_which_jobs(client_of):
    assert names(client_of("dana")) == [
        "chats.expire",
        "erasures.finish",
        "isolation.check",
        "keys.expire",
        "keys.seal",
        "mail.send",
        "replies.recover",
        "roles.expire",
        "sessions.expire",
    ]
    assert {"access_log.drain", "partitions.ahead", "revocations.prune", "sessions.expire"} <= set(
        names(client_of("petra"))
    )
    for name in ("alice", "carol", "lee", "cleo"):
        assert client_of(name).get("/api/v1/jobs").status_code == 403
        assert client_of(name).get("/jobs/").status_code == 403
        assert client_of(name).post("/api/v1/jobs/sessions.expire/run", json={}).status_code == 403


def test_how_much_others_have_waiting_is_nobody_elses_business(client_of):
    assert (jobs(client_of("dana"))["queues"], jobs(client_of("dana"))["processes"]) == (None, None)
    assert jobs(client_of("petra"))["queues"] == {"default": 0, "steward": 0}


def test_who_only_administers_the_platforms_own_organisation_sees_and_starts_no_more_than_its_jobs(
    app, world, client_of, run_job, sign_in, make_old, owner
):
    made = {f"{role}-{world.mark}": (role.title(), role) for role in ("admin", "auditor", "user")}
    for person in world.bring(world.platform, made, known=False):
        world.people[f"platform {person.role}"] = person
    admin, petra = client_of("platform admin"), client_of("petra")
    assert names(admin) == names(client_of("dana")) != names(petra)
    assert (jobs(admin)["queues"], jobs(admin)["processes"]) == (None, None)
    assert admin.post("/api/v1/jobs/access_log.drain/run", json={}).status_code == 404
    owner.execute("delete from onyx.due")
    make_old(sign_in("alice"), "idle")
    asked = {"kind": "user", "user": world["platform admin"].id.hex, "session": sign_in("platform admin")["session_id"]}
    assert run_job("sessions.expire", actor=asked).tenants is None, "visited its own organisation alone"
    assert run_job("sessions.expire").tenants == 1, "Alice's session was left to the schedule"
    assert all(not job["runs"] for job in jobs(petra)["jobs"] if job["name"] != "sessions.expire")
    paths = ("/platform/", "/api/v1/tenants", "/api/v1/platform/live-sessions", "/api/v1/platform/monitoring/summary",
             "/api/v1/backups", "/api/v1/migrations", "/api/v1/parcels", "/api/v1/tenant-deletions")  # fmt: skip
    for name in ("platform admin", "platform auditor", "platform user"):
        client = client_of(name)
        assert {client.get(path).status_code for path in paths} == {403}, name


def test_each_tenant_sees_its_own_runs(client_of, sign_in, run_job, make_old, owner):
    owner.execute("delete from onyx.due")  # what other tests left behind
    make_old(sign_in("alice"), "idle")
    run_job("sessions.expire")

    def runs(name):
        found = next(job for job in jobs(client_of(name))["jobs"] if job["name"] == "sessions.expire")
        return [(run["effects"], run["tenants"], run["started_by"]) for run in found["runs"]]

    assert runs("dana") == [(1, None, "schedule")]
    assert runs("greta") == []
    assert runs("petra") == [(1, 1, "schedule")]


def test_starting_a_job_is_recorded_and_done(app, client_of, sign_in, make_old, events, world, addresses):
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    make_old(sign_in("alice"), "idle")
    dana = client_of("dana")
    answer = dana.post("/api/v1/jobs/sessions.expire/run", json={})
    assert answer.status_code == 202, answer.text
    assert [(e[0], e[4], e[3][0]["id"]) for e in events(world.acme, "job.started")] == [
        ("success", world.dana.id, "sessions.expire")
    ]
    assert next(job for job in jobs(dana)["jobs"] if job["name"] == "sessions.expire")["waiting"]
    assert dana.post("/api/v1/jobs/sessions.expire/run", json={}).status_code == 409
    with queue.connect(addresses["REDIS_URL"]) as connection, app.app_context():
        wanted = queue.queue("default", connection)
        SimpleWorker([wanted], connection=connection, serializer=JSONSerializer).work(
            burst=True, logging_level="CRITICAL"
        )
    assert len(events(world.acme, "session.expired")) == 1
    shown = next(job for job in jobs(dana)["jobs"] if job["name"] == "sessions.expire")
    assert [(r["outcome"], r["effects"], r["started_by"]) for r in shown["runs"]] == [("success", 1, world.dana.email)]
    assert (shown["waiting"], shown["running"]) == (False, None)


@pytest.mark.parametrize("name", ["made.up", "access_log.drain", "partitions.ahead", "a%00b"])
def test_an_unknown_job_and_one_of_the_installation_are_alike(name, client_of, events, world):
    answer = client_of("dana").post(f"/api/v1/jobs/{name}/run", json={})
    assert answer.status_code == 404
    assert events(world.acme, "job.started") == []


def test_without_redis_nothing_is_promised(app, client_of, events, world):
    dana, store = client_of("dana"), app.extensions["onyx"].store
    store.breaker.is_open = True
    try:
        assert dana.get("/api/v1/jobs").status_code == 503
        assert dana.post("/api/v1/jobs/sessions.expire/run", json={}).status_code == 503
    finally:
        store.breaker.is_open = False
    assert events(world.acme, "job.started") == []
