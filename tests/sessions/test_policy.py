"""How long sessions last, and how many, is each organisation's own decision (S3); what one did, its admins may see (S4)."""

import threading

import pytest

from tests.waiting import until

PATH = "/api/v1/settings/sessions"
ME = "/api/v1/users/me"
HOUR, DAY = 3600, 86_400


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def say(client_of):
    """Set a part of the policy as Dana."""

    def change(**wanted):
        answer = client_of("dana").patch(PATH, json=wanted)
        assert answer.status_code == 200, answer.text
        return answer.get_json()["data"]

    return change


def _row(owner, tenant, signed_in):
    return owner.execute(
        "select state, end_reason, idle_seconds, extract(epoch from expires_at - created_at)::float8"
        f" from {tenant.schema}.login_session where id = %s",
        [signed_in["session_id"]],
    ).fetchone()


def _ask(app, signed_in):
    answer = app.test_client().get(ME, headers={"Authorization": f"Bearer {signed_in['token']}"})
    return answer.status_code, (answer.get_json().get("error") or {}).get("reason")


def test_limits_hold_at_sign_in_for_this_organisation_alone(say, sign_in, owner, world):
    told = say(session_idle_seconds=600, session_absolute_seconds=2 * HOUR, remember_days=3)
    assert (told["session_idle_seconds"], told["remember_days"], told["session_max_concurrent"]) == (600, 3, None)
    plain, kept, other = sign_in("alice"), sign_in("alice", remember=True), sign_in("mallory")
    assert _row(owner, world.acme, plain)[2:] == (600, pytest.approx(2 * HOUR, abs=60))
    assert _row(owner, world.acme, kept)[2:] == (600, pytest.approx(3 * DAY, abs=60))
    assert _row(owner, world.globex, other)[2] == told["defaults"]["session_idle_seconds"]
    say(remember_days=0)
    assert _row(owner, world.acme, sign_in("alice", remember=True))[3] == pytest.approx(2 * HOUR, abs=60)
    say(session_absolute_seconds=None)
    assert _row(owner, world.acme, sign_in("alice"))[3] == pytest.approx(
        told["defaults"]["session_absolute_seconds"], abs=60
    )


def test_a_renewal_brings_todays_policy(app, say, sign_in, owner, world):
    alice = sign_in("alice")
    say(session_idle_seconds=400 * HOUR, session_absolute_seconds=800 * HOUR)
    answer = app.test_client().post("/api/v1/auth/refresh", headers={"Authorization": f"Bearer {alice['token']}"})
    assert answer.status_code == 200
    assert _row(owner, world.acme, alice)[2:] == (400 * HOUR, pytest.approx(800 * HOUR, abs=60))


def test_sessions_that_last_too_long_are_shortened_at_once(app, say, sign_in, owner, world):
    alice, mallory = sign_in("alice", remember=True), sign_in("mallory")
    assert _ask(app, alice)[0] == 200
    owner.execute(
        f"update {world.acme.schema}.login_session set created_at = now() - interval '2 days' where id = %s",
        [alice["session_id"]],
    )
    say(remember_days=1)
    assert _ask(app, alice) == (401, "expired"), "the entry in Redis must not outlive the new limit"
    assert _ask(app, mallory)[0] == 200


def test_a_tenants_idle_limit_is_the_life_of_its_entries_in_redis(app, say, sign_in, world):
    """Redis forgets by itself; a longer life would keep somebody in who was away too long."""
    from onyx.edge.store import key
    from onyx.identity import tokens

    say(session_idle_seconds=300)
    alice = sign_in("alice")
    redis = app.extensions["onyx"].store.client
    place = key(world.acme.id, "auth", "session", tokens.digest(alice["token"]).hex())
    until(lambda: _ask(app, alice)[0] == 200 and redis.ttl(place) > 0)
    for _ in range(2):
        assert _ask(app, alice)[0] == 200
        assert 0 < redis.ttl(place) <= 300


def test_one_session_too_many_ends_the_oldest_which_is_told_why(app, say, sign_in, owner, world, server, socket_of):
    say(session_max_concurrent=2)
    two = server(processes=2)
    first, second = sign_in("alice"), sign_in("alice")
    socket = socket_of("alice", two, token=first["token"])
    third = sign_in("alice")
    assert socket.wait_for("session:revoked") == {"reason": "too_many_sessions"}
    assert [_ask(app, one) for one in (first, second, third)] == [(401, "too_many_sessions"), (200, None), (200, None)]
    assert _row(owner, world.acme, first)[:2] == ("revoked", "too_many_sessions")
    page = app.test_client().get("/login?reason=too_many_sessions").text
    assert "more devices than your organisation allows" in page
    assert _ask(app, sign_in("bob"))[0] == 200 and _ask(app, second)[0] == 200, "others' sessions do not count"


def test_what_a_sign_in_replaces_takes_nobody_elses_place(app, client_of, say, sign_in, owner, world):
    """The session that the browser had ends with it, so that there is room: the other device's, though older, goes on."""
    say(session_max_concurrent=2)
    phone, browser = sign_in("alice"), client_of("alice", by="cookie")
    before = {**browser.signed_in, "token": browser.get_cookie("onyx_session").value}
    sent = {"email": world.alice.email, "password": world.alice.password}
    assert browser.post("/api/v1/auth/login", json=sent).status_code == 200
    assert [_ask(app, one) for one in (phone, before)] == [(200, None), (401, "signed_in_anew")]
    assert browser.get(ME).status_code == 200
    sign_in("alice")
    assert _ask(app, phone) == (401, "too_many_sessions"), "one too many ends the oldest as ever"


def test_many_sign_ins_at_once_leave_no_more_than_allowed(say, sign_in, owner, world):
    say(session_max_concurrent=2)
    barrier = threading.Barrier(8)

    def enter():
        barrier.wait()
        sign_in("alice")

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alive = owner.execute(
        f"select count(*) from {world.acme.schema}.login_session where user_id = %s and state = 'active'",
        [world.alice.id],
    ).fetchone()
    assert alive == (2,)


def test_only_those_who_may_change_it_within_bounds_and_it_is_recorded(client_of, say, owner, world):
    for name in ("alice", "carol"):
        assert client_of(name).patch(PATH, json={"remember_days": 9}).status_code == 403
    dana = client_of("dana")
    for wrong in ({"session_idle_seconds": 10}, {"session_max_concurrent": 0}, {"remember_days": 400}):
        assert dana.patch(PATH, json=wrong).status_code == 422
    say(remember_days=9)
    say(remember_days=9)
    found = owner.execute(
        f"select changes from {world.acme.schema}.audit_event where action = 'session_policy.changed'"
    ).fetchall()
    assert found == [([{"path": "remember_days", "old": 30, "new": 9, "class": "public"}],)]
    assert client_of("greta").get(PATH).get_json()["data"]["remember_days"] == 30
    assert 'value="9"' in client_of("dana", by="cookie").get("/admin/session-policy/").text


def test_a_timeline_tells_sign_in_renewal_addresses_and_end_but_never_what_for(app, client_of, sign_in, world):
    dana, alice = client_of("dana"), sign_in("alice")
    client = app.test_client()
    client.token = alice["token"]
    client.post("/api/v1/sessions", json={"title": "a secret plan"})
    client.get(ME)
    client.token = client.post("/api/v1/auth/refresh").get_json()["data"]["token"]
    client.post("/api/v1/auth/logout")
    with app.app_context():
        app.extensions["onyx"].access_log.drain()
    path = f"/api/v1/live-sessions/{alice['session_id']}/timeline"
    lines = dana.get(path).get_json()["data"]
    assert [line["what"] for line in lines if line["what"] != "requests"] == [
        "session.created", "session.rotated", "session.ended",
    ]  # fmt: skip
    used = [line for line in lines if line["what"] == "requests"]
    assert [line["times"] for line in used] == [4] and used[0]["ip"] == "127.0.0.1"
    assert "secret plan" not in str(lines) and "/api/v1/sessions" not in str(lines)
    assert client_of("greta").get(path).status_code == 404
    assert client_of("alice").get(path).status_code == 403


def test_live_sessions_are_found_by_age(client_of, sign_in, owner, world):
    old, young = sign_in("alice"), sign_in("bob")
    owner.execute(
        f"update {world.acme.schema}.login_session set created_at = now() - interval '2 days' where id = %s",
        [old["session_id"]],
    )
    dana = client_of("dana")

    def ids(query):
        return {row["id"] for row in dana.get(f"/api/v1/live-sessions?{query}").get_json()["data"]}

    assert ids(f"older_than={DAY}") == {old["session_id"]}
    assert old["session_id"] not in ids(f"younger_than={DAY}") and young["session_id"] in ids(f"younger_than={DAY}")
