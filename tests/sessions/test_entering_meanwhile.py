"""Signing in, renewing and changing a password while somebody is being thrown out: whoever commits second sees the other.

As in test_thrown_out.py, one transaction is held open by hand until the other waits for it.
"""
# ruff: noqa: F811 - fixtures

from __future__ import annotations

from dataclasses import replace

import pytest

from onyx.access import lifecycle, opening
from onyx.access.ending import end_all_of
from onyx.access.renewal import renew
from onyx.access.session_policy import Policy
from onyx.core.db import rows
from onyx.identity import tokens
from onyx.identity.models import User
from tests.cast import PASSWORD
from tests.factors.conftest import codes_of, first_step, later_code, second_step  # noqa: F401 - fixtures
from tests.passwords.conftest import link_of  # noqa: F401 - a fixture
from tests.sessions.conftest import NEW, alive, ask, login, told

USERS, RESET, CHANGE = "/api/v1/users", "/api/v1/auth/password/reset", "/api/v1/auth/password"
THIRD = "eight quiet lighthouses at dawn"


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_a_session_that_the_old_password_opens_meanwhile_ends_with_it(
    app,
    world,
    link_of,
    as_signed_in,
    actor_of,
    meanwhile,
    owner,
):
    token = link_of("alice")
    with as_signed_in("alice", "auth") as session:
        compared = rows(session, "select password_hash from credential where user_id = %s", world.alice.id)[0][0]
        opened = opening.open_session(
            session, actor_of("alice"), world.alice.id, Policy(3600, 3600), True, "device", compared=compared
        )
        reset = meanwhile(lambda: app.test_client().post(RESET, json={"token": token, "new": NEW}))
    assert reset().status_code == 200
    assert ask(app, opened.token) == (401, "password_changed") and alive(owner, world.alice) == 0


def test_the_old_password_opens_nothing_once_another_has_come_in_between(
    app,
    world,
    link_of,
    reset_of,
    meanwhile,
    owner,
):
    with reset_of("alice", link_of("alice")):
        old = meanwhile(lambda: login(app, world.alice, remember=True))
    assert told(old()) == (401, "wrong_credentials") and alive(owner, world.alice) == 0
    assert login(app, world.alice, NEW).status_code == 200
    recorded = owner.execute(
        f"select reason from {world.acme.schema}.audit_event where action = 'sign_in.failed'"
    ).fetchall()
    assert recorded == [("replaced_meanwhile",)]


def test_nor_does_it_bring_anybody_to_the_second_step(
    app,
    world,
    link_of,
    reset_of,
    meanwhile,
    codes_of,
):
    codes_of("alice")
    with reset_of("alice", link_of("alice")):
        old = meanwhile(lambda: login(app, world.alice))
    assert told(old()) == (401, "wrong_credentials")


def test_a_second_step_that_is_under_way_counts_for_nothing_after_a_reset(
    world,
    link_of,
    reset_of,
    meanwhile,
    codes_of,
    first_step,
    second_step,
    owner,
):
    generator, _ = codes_of("alice")
    challenge, token = first_step("alice")["challenge"], link_of("alice")
    with reset_of("alice", token):
        step = meanwhile(lambda: second_step(challenge, code=later_code(generator)))
    assert told(step())[0] == 401 and alive(owner, world.alice) == 0


def test_nobody_who_is_being_suspended_finds_a_session_when_they_come_back(
    app, world, as_signed_in, actor_of, meanwhile, owner, client_of
):
    with as_signed_in("dana", "admin") as session:
        lifecycle.suspend(session, actor_of("dana"), session.get_one(User, world.alice.id))
        entering = meanwhile(lambda: login(app, world.alice))
    assert told(entering()) == (401, "wrong_credentials") and alive(owner, world.alice) == 0
    assert client_of("dana").post(f"{USERS}/{world.alice.id}/reactivate").status_code == 200
    assert alive(owner, world.alice) == 0


def test_a_password_is_not_changed_by_who_knew_the_one_before(
    app,
    world,
    client_of,
    link_of,
    reset_of,
    meanwhile,
):
    thief = client_of("alice")
    with reset_of("alice", link_of("alice")):
        changed = meanwhile(lambda: thief.post(CHANGE, json={"current": PASSWORD, "new": THIRD}))
    assert told(changed())[0] in (401, 422)
    assert login(app, world.alice, NEW).status_code == 200 and login(app, world.alice, THIRD).status_code == 401


@pytest.mark.parametrize("first", ["renewal", "end"])
def test_a_renewal_and_an_end_at_once_leave_no_session(
    app, world, client_of, as_signed_in, actor_of, meanwhile, owner, first
):
    """Remembered sessions too: how long one lasts is its row's."""
    alice = client_of("alice")
    digest, actor = tokens.digest(alice.token), actor_of("alice")

    def end():
        with as_signed_in("alice", "auth") as session:
            end_all_of(session, actor, world.alice.id, "revoked_by_admin")

    if first == "end":
        with as_signed_in("alice", "auth") as session:
            end_all_of(session, actor, world.alice.id, "revoked_by_admin")
            renewal = meanwhile(lambda: alice.post("/api/v1/auth/refresh"))
        assert told(renewal()) == (401, "revoked_by_admin")
    else:
        with as_signed_in("alice", "auth", alice) as session:
            acting = _in_session(actor, alice)
            renewed = renew(session, acting, digest, Policy(3600, 3600))
            ended = meanwhile(end)
        ended()
        assert ask(app, renewed.token) == (401, "revoked_by_admin")
    assert alive(owner, world.alice) == 0


def _in_session(actor, client):
    return replace(actor, session_id=tokens.read(client.token).session)
