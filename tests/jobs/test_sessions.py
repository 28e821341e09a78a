"""Old login sessions end by themselves: with the reason, with one event, and only where something is due."""

import pytest


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture(autouse=True)
def nothing_else_is_due(owner):
    """What other tests left behind may be due at any moment."""
    owner.execute("delete from onyx.due where job = 'sessions'")


def state_of(owner, tenant, signed_in):
    return owner.execute(
        f"select state, end_reason, ended_at is not null from {tenant.schema}.login_session where id = %s",
        [signed_in["session_id"]],
    ).fetchone()


@pytest.mark.parametrize("how", ["idle", "expired"])
def test_an_old_session_ends_with_its_reason_and_one_event(how, world, owner, sign_in, run_job, make_old, events):
    old, young = sign_in("alice"), sign_in("alice")
    make_old(old, how)
    assert run_job("sessions.expire").effects == 1
    assert state_of(owner, world.acme, old) == ("expired", how, True)
    assert state_of(owner, world.acme, young) == ("active", None, False)
    run_job("sessions.expire")
    ended = events(world.acme, "session.expired")
    assert [(e[0], e[1], e[2]["type"], e[4]) for e in ended] == [("success", how, "job", None)]
    assert ended[0][3][0]["id"] == old["session_id"]


def test_the_person_is_told_why(app, sign_in, run_job, make_old):
    old = sign_in("bob")
    make_old(old, "idle")
    run_job("sessions.expire")
    answer = app.test_client().get("/api/v1/users/me", headers={"Authorization": f"Bearer {old['token']}"})
    assert (answer.status_code, answer.get_json()["error"]["reason"]) == (401, "idle")


def test_somebody_who_was_seen_a_moment_ago_stays(world, owner, sign_in, run_job, make_old):
    here = sign_in("alice")
    make_old(here, "idle")
    owner.execute(
        f"update {world.acme.schema}.login_session set last_seen_at = now() - interval '70 seconds', idle_seconds = 60"
        " where id = %s",
        [here["session_id"]],
    )
    run_job("sessions.expire")
    assert state_of(owner, world.acme, here)[0] == "active"


def test_only_tenants_that_are_due_are_visited(world, owner, sign_in, run_job, make_old):
    old = sign_in("alice")
    make_old(old, "idle")
    owner.execute("update onyx.due set due_at = now() + interval '1 hour'")
    assert run_job("sessions.expire").tenants == 0
    assert state_of(owner, world.acme, old)[0] == "active"


def test_a_tenant_is_due_again_when_its_next_session_ends(world, owner, sign_in, run_job, make_old):
    make_old(sign_in("alice"), "idle")
    owner.execute(f"delete from {world.globex.schema}.login_session")
    left = sign_in("bob")
    run_job("sessions.expire")
    found = owner.execute(
        "select due_at = (select least(expires_at, last_seen_at + idle_seconds * interval '1 second' + interval '60 s')"
        f" from {world.acme.schema}.login_session where id = %s) from onyx.due where job = 'sessions' and tenant_id = %s",
        [left["session_id"], world.acme.id],
    ).fetchone()
    assert found == (True,)


def test_a_tenant_without_live_sessions_is_not_due(world, owner, sign_in, run_job, make_old):
    make_old(sign_in("alice"), "idle")
    run_job("sessions.expire")
    assert (
        owner.execute("select 1 from onyx.due where job = 'sessions' and tenant_id = %s", [world.acme.id]).fetchall()
        == []
    )


def test_a_poisoned_tenant_keeps_no_other(world, owner, sign_in, run_job, make_old, events):
    poisoned, well = sign_in("mallory"), sign_in("alice")
    owner.execute(f"revoke update on {world.globex.schema}.login_session from {world.globex.schema}")
    owner.execute(f"revoke update (state) on {world.globex.schema}.login_session from {world.globex.schema}")
    make_old(poisoned, "idle")
    make_old(well, "idle")
    done = run_job("sessions.expire")
    assert (done.tenants, done.failed, done.effects, done.outcome) == (2, 1, 1, "failed")
    assert state_of(owner, world.acme, well)[0] == "expired"
    make_old(poisoned, "idle")
    run_job("sessions.expire")
    assert [(e[0], e[1]) for e in events(world.globex, "job.failed")] == [("error", "ProgrammingError")]
    assert events(world.acme, "job.failed") == []


def test_a_tenant_of_a_killed_sweep_is_due_again(app, world, owner, sign_in, make_old):
    from jobs import due
    from onyx.core.scope import Scope

    make_old(sign_in("alice"), "idle")
    control = Scope(world.platform.id, "job:control")
    with app.app_context():
        due.claim(control, "sessions", world.acme.id)
        assert world.acme.id not in due.tenants_due(control, "sessions")
        owner.execute(
            "update onyx.due set due_at = due_at - interval '2 minutes' where tenant_id = %s", [world.acme.id]
        )
        assert world.acme.id in due.tenants_due(control, "sessions")


def test_a_sign_in_during_the_sweep_is_not_forgotten(app, world, owner, sign_in, make_old):
    from jobs import due
    from onyx.core.scope import Scope

    make_old(sign_in("alice"), "idle")
    control = Scope(world.platform.id, "job:control")
    with app.app_context():
        due.claim(control, "sessions", world.acme.id)
        sign_in("bob")
        due.settle(control, "sessions", world.acme.id, None)
    found = owner.execute(
        "select due_at < now() + interval '2 days' from onyx.due where job = 'sessions' and tenant_id = %s",
        [world.acme.id],
    ).fetchone()
    assert found == (True,)
