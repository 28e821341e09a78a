"""A token that was replaced is worth nothing, whatever happens around it: a kill, a step-up, a new sign-in (S3, F25)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from onyx.edge.store import key
from onyx.identity import tokens
from tests.cast import PASSWORD
from tests.factors.conftest import actions, make_stale  # noqa: F401 - fixtures
from tests.waiting import until

ME, STEP_UP, SESSIONS, LOGIN = "/api/v1/users/me", "/api/v1/auth/step-up", "/api/v1/auth/sessions", "/api/v1/auth/login"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def after_the_grace(owner, world):
    def move(client):
        owner.execute(
            f"update {world.acme.schema}.login_session set rotated_at = now() - interval '11 seconds'"
            " where id = %s and rotated_at is not null returning id",
            [client.signed_in["session_id"]],
        ).fetchone()

    return move


def _reason(answer):
    return answer.status_code, answer.get_json().get("error", {}).get("reason")


def test_a_process_killed_right_after_a_renewal_leaves_no_old_token_behind(
    app, world, client_of, after_the_grace, serving
):
    alice, store = client_of("alice"), app.extensions["onyx"].store
    entry = key(world.acme.id, "auth", "session", tokens.digest(alice.token).hex())
    until(lambda: alice.get(ME).status_code == 200 and store.client.get(entry) not in (None, b"-"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.sessions.killed"], input=alice.token, text=True, env=serving, check=False
    )
    assert done.returncode == -9
    after_the_grace(alice)
    assert _reason(alice.get(ME)) == (401, "token_reused")


def test_a_step_up_gives_a_browser_a_new_token_and_the_old_one_dies(app, client_of, make_stale, after_the_grace):  # noqa: F811
    dana = client_of("dana", by="cookie")
    make_stale(dana, "dana")
    old = dana.get_cookie("onyx_session").value
    answer = dana.post(STEP_UP, json={"password": PASSWORD})
    assert answer.status_code == 200
    new = dana.get_cookie("onyx_session").value
    assert new != old and new not in answer.text
    again = dana.post(STEP_UP, json={"password": PASSWORD})
    assert again.status_code == 200 and dana.get_cookie("onyx_session").value == new, "once in ten seconds"
    after_the_grace(dana)
    _copy_is_a_thiefs(app, dana, old)


def _copy_is_a_thiefs(app, owner, token):
    """The owner goes on, and whoever comes with a copy of the token from before ends the session."""
    assert owner.get(ME).status_code == 200
    thief = app.test_client()
    thief.token = token
    assert _reason(thief.get(ME)) == (401, "token_reused")


def test_a_new_password_gives_a_browser_a_new_token_too(app, client_of, after_the_grace):
    """Whoever changes it because somebody may be in must not leave them in with a copy of this very session's token."""
    dana = client_of("dana", by="cookie")
    old = dana.get_cookie("onyx_session").value
    sent = {"current": PASSWORD, "new": "seven quiet lighthouses at dusk"}
    assert dana.post("/api/v1/auth/password", json=sent).get_json()["data"]["changed"] is True
    assert dana.get_cookie("onyx_session").value != old
    after_the_grace(dana)
    _copy_is_a_thiefs(app, dana, old)


def test_whoever_uses_the_old_token_does_not_shorten_the_time_for_which_it_is_not_believed(app, world, client_of):
    """Who read the row before the renewal, and is slow, would write the old token's entry anew."""
    alice, store = client_of("alice"), app.extensions["onyx"].store
    assert alice.post("/api/v1/auth/refresh").status_code == 200
    assert alice.get(ME).status_code == 200, "within the grace"
    entry = key(world.acme.id, "auth", "session", tokens.digest(alice.token).hex())
    assert store.client.get(entry) == b"-" and store.client.ttl(entry) > 30


def test_a_programs_token_stays_with_a_step_up(client_of, make_stale, after_the_grace):  # noqa: F811
    dana = client_of("dana")
    make_stale(dana, "dana")
    assert dana.post(STEP_UP, json={"password": PASSWORD}).status_code == 200
    after_the_grace(dana)
    assert dana.get(ME).status_code == 200


def test_signing_in_anew_ends_what_the_browser_had(app, world, client_of, actions):  # noqa: F811
    browser, elsewhere = client_of("alice", by="cookie"), client_of("alice")
    old = browser.get_cookie("onyx_session").value
    for wrong in ("wrong", PASSWORD):
        answer = browser.post(LOGIN, json={"email": world.bob.email, "password": wrong})
    assert answer.status_code == 200
    before = app.test_client()
    before.token = old
    assert _reason(before.get(ME)) == (401, "signed_in_anew")
    assert "signed in anew" in app.test_client().get("/login?reason=signed_in_anew").text
    assert elsewhere.get(ME).status_code == 200, "another device is not concerned"
    assert actions(world.acme, "session.ended") == 1


def test_others_are_signed_out_with_a_fresh_proof_only(client_of, make_stale):  # noqa: F811
    here, there = client_of("dana"), client_of("dana")
    make_stale(here, "dana")
    other, own = (f"{SESSIONS}/{one.signed_in['session_id']}" for one in (there, here))
    for path in (other, SESSIONS):
        answer = here.delete(path)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "step_up_required"), path
    answer = here.post("/api/v1/live-sessions/revoke", json={"user_id": here.signed_in["user"]["id"]})
    assert answer.get_json()["error"]["code"] == "step_up_required", "nor by the administrators' door"
    assert here.post(STEP_UP, json={"password": PASSWORD}).status_code == 200
    assert here.delete(other).status_code == 200 and there.get(ME).status_code == 401
    make_stale(here, "dana")
    assert here.delete(own).status_code == 200, "that is signing out"
