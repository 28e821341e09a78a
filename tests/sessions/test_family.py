"""A stolen token that was renewed more than once does not hide its thief from the one it was taken from (F25)."""

from __future__ import annotations

import pytest

REFRESH, ME = "/api/v1/auth/refresh", "/api/v1/users/me"


@pytest.fixture
def long_ago(owner, world):
    """As if the session's token had been renewed eleven seconds ago."""

    def move(session):
        owner.execute(
            f"update {world.acme.schema}.login_session set rotated_at = now() - interval '11 seconds' where id = %s",
            [session],
        )

    return move


def _renewed(client, token):
    client.token = token
    answer = client.post(REFRESH)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["data"]["token"]


def test_a_thief_who_renews_twice_is_found_out_all_the_same(client_of, long_ago):
    alice, thief = client_of("alice"), client_of("bob")
    stolen = alice.token
    second = _renewed(thief, stolen)
    long_ago(alice.signed_in["session_id"])
    third = _renewed(thief, second)
    thief.token = third
    assert thief.get(ME).status_code == 200
    answer = alice.get(ME)
    assert (answer.status_code, answer.get_json()["error"]["reason"]) == (401, "token_reused")
    assert thief.get(ME).status_code == 401, "the whole family ends"


def test_nobody_outruns_the_grace_by_renewing_at_once(client_of):
    """Else the token before the last could be one that its owner still uses rightly."""
    alice = client_of("alice")
    alice.token = _renewed(alice, alice.token)
    answer = alice.post(REFRESH)
    assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 10
    assert alice.get(ME).status_code == 200
