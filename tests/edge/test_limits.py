"""Limits hold whatever somebody says of themselves, and while Redis is away (G1, S7, F23)."""

from __future__ import annotations

import random
import time
from contextlib import nullcontext
from types import SimpleNamespace
from uuid import uuid4

import pytest

from onyx.core.errors import TooMany
from onyx.edge import at_once, gate
from onyx.edge.at_once import Places, enter, few_at_once
from onyx.edge.counting import MOST, Counts
from onyx.edge.lockout import AT_ONCE
from onyx.edge.proxies import canonical, client_of, neighbourhood
from onyx.edge.store import key
from tests.cast import PASSWORD

LOGIN, ME = "/api/v1/auth/login", "/api/v1/users/me"
RESET_REQUEST = "/api/v1/auth/password/reset-request"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def redis_away(app):
    """The breaker as it is while Redis does not answer."""
    breaker = app.extensions["onyx"].store.breaker
    breaker.is_open = True
    yield
    breaker.is_open = False


@pytest.fixture
def one_minute(monkeypatch):
    """Requests are counted by the minutes of the clock: here all of them fall into one."""
    within = (time.time() // 60 + 0.5) * 60
    monkeypatch.setattr(gate, "time", SimpleNamespace(time=lambda: within, monotonic=time.monotonic))


@pytest.fixture
def asked_already(app, world):
    """As if a person, by whatever session, or an API key, had asked so often more within this minute."""

    def ask(who, times):
        (name,) = app.extensions["onyx"].store.client.scan_iter(key(world.acme.id, "limit", "600per60", who, "*"))
        return app.extensions["onyx"].store.client.incrby(name, times)

    return ask


@pytest.fixture
def with_settings(app):
    """Other settings, for one test."""
    state = app.extensions["onyx"]
    before = state.settings

    def change(**more):
        state.settings = state.settings.model_copy(update=more)

    yield change
    state.settings = before


def _guess(app, email, n=0, **headers):
    body = {"email": email, "password": f"wrong guess {n}"}
    there = {"REMOTE_ADDR": f"198.18.{random.randrange(256)}.{random.randrange(256)}"}
    return app.test_client().post(LOGIN, json=body, headers=headers, environ_base=there)


# -- addresses


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        ("203.0.113.9", 1, "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 1.1.1.1, 203.0.113.9, 10.0.0.1", 2, "203.0.113.9"),
        ("203.0.113.9", 2, None),
        ("", 1, None),
        ("garbage", 1, None),
        ("1.1.1.1, <script>", 1, None),
        ("1.1.1.1,", 1, None),
        ("203.0.113.9:4711", 1, "203.0.113.9"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("[2001:DB8:0::1]:443", 1, "2001:db8::1"),
        ("fe80::1%eth0", 1, "fe80::1"),
        ("::ffff:203.0.113.9", 1, "203.0.113.9"),
        ("::ffff:cb00:7109", 1, "203.0.113.9"),
        ("203.0.113.009", 1, None),
        ("1" * 5000, 1, None),
        ("1.1.1.1\x00", 1, None),
    ],
)
def test_the_right_most_hop_that_is_not_ours_is_the_client(forwarded, trusted, address):
    assert client_of(forwarded, trusted) == address


def test_one_household_is_one_address():
    assert (
        neighbourhood("2001:db8:1:2:3::4") == neighbourhood("2001:db8:1:2:ffff::1") != neighbourhood("2001:db8:1:3::1")
    )
    assert neighbourhood("203.0.113.9") == "203.0.113.9" and canonical("::ffff:203.0.113.9") == "203.0.113.9"


def test_an_address_is_counted_whatever_it_says_of_itself(app, limits_on):
    """F23: rotating User-Agent and X-Forwarded-For changes nothing where no proxy is trusted."""
    redis = app.extensions["onyx"].store.client

    def guess(n):
        return app.test_client().post(LOGIN, json={"email": f"n{n}@x.example", "password": "x"},
                               headers={"User-Agent": f"p{n}", "X-Forwarded-For": f"10.1.{n}.1", "Forwarded": f"for=10.2.{n}.1",
                                        "X-Real-IP": f"10.3.{n}.1"}, environ_base={"REMOTE_ADDR": "198.51.100.7"}).status_code  # fmt: skip

    first = guess(0)
    (counter,) = redis.scan_iter("onyx:limit*198.51.100.7*")
    assert redis.incrby(counter, 57) == 58, "as if it had asked so often more"
    assert [first, *(guess(n) for n in range(1, 6))] == [401] * 3 + [429] * 3
    other = app.test_client().post(
        LOGIN, json={"email": "n@x.example", "password": "x"}, environ_base={"REMOTE_ADDR": "198.51.100.8"}
    )
    assert other.status_code == 401


def test_behind_a_proxy_the_client_counts_and_not_what_it_forged(app, server, world, socket_of):
    """F23 again, through a real server: one proxy is trusted, the trail and the limits know who came to it."""
    serving = server(fresh=True, RATE_LIMITS="true", TRUSTED_PROXIES="1")
    redis = app.extensions["onyx"].store.client
    with serving.http() as client:

        def guess(n):
            return client.post(LOGIN, json={"email": f"n{n}@x.example", "password": "x"},
                               headers={"X-Forwarded-For": f"10.9.{n}.1, 198.51.100.77", "User-Agent": f"p{n}"})  # fmt: skip

        first = guess(0)
        (counter,) = redis.scan_iter("onyx:limit*198.51.100.77*")
        assert redis.incrby(counter, 58) == 59, "as if it had asked so often more"
        forged = [first, *(guess(n) for n in range(1, 4))]
        assert [one.status_code for one in forged] == [401, 401, 429, 429]
        assert 0 < int(forged[-1].headers["Retry-After"]) <= 60
        fresh = client.post(
            LOGIN,
            json={"email": "n@x.example", "password": "x"},
            headers={"X-Forwarded-For": "198.51.100.77, 198.51.100.78"},
        )
        assert fresh.status_code == 401
        told = client.post(LOGIN, json={"email": world.alice.email, "password": PASSWORD},
                           headers={"X-Forwarded-For": "1.2.3.4, ::ffff:198.51.100.79"}).json()["data"]  # fmt: skip
        client.headers["Authorization"] = f"Bearer {told['token']}"
        sessions = client.get("/api/v1/auth/sessions").json()["data"]
        assert [one["ip"] for one in sessions if one["id"] == told["session_id"]] == ["198.51.100.79"]
    socket = socket_of("bob", serving)
    assert socket.ask("session:join", {"sessionId": "x"})["ok"] is False


# -- while Redis is away


def test_guesses_are_bounded_while_redis_is_away(app, world, limits_on, redis_away):
    answers = [_guess(app, world.bob.email, n).status_code for n in range(13)]
    assert answers == [401] * 10 + [429] * 3
    assert _guess(app, world.alice.email).status_code == 401, "others are not locked out"


def test_requests_are_counted_while_redis_is_away(app, client_of, limits_on, redis_away, one_minute):
    lee = client_of("lee")
    answers = [lee.post("/api/v1/auth/refresh") for _ in range(62)]
    for answer in answers:
        assert answer.status_code in (200, 401, 429)
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited and int(limited[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize("away", [True, False])
def test_few_at_once_with_redis_and_without(app, limits_on, request, away):
    if away:
        request.getfixturevalue("redis_away")
    name = f"onyx:test:{uuid4().hex}"
    with app.app_context():
        places = [few_at_once(name, AT_ONCE, 30) for _ in range(AT_ONCE)]
        for one in places:
            one.__enter__()
        with pytest.raises(TooMany), few_at_once(name, AT_ONCE, 30):
            pass
        places[0].__exit__(None, None, None)
        with few_at_once(name, AT_ONCE, 30):
            pass


def test_a_place_whose_process_died_is_free_when_its_time_is_over(app, limits_on, monkeypatch):
    name, now = f"onyx:test:{uuid4().hex}", time.time()
    for later, free in ((0, True), (10, True), (299, False), (301, True), (302, False)):  # who took the first is gone
        monkeypatch.setattr(at_once, "time", SimpleNamespace(time=lambda later=later: now + later))
        with app.app_context(), nullcontext() if free else pytest.raises(TooMany):
            enter(name, 2, seconds=300)


def test_what_a_process_counts_for_itself_stays_small():
    counts, places = Counts(), Places()
    for n in range(MOST + 10):
        counts.add(f"n{n}", 60)
    assert len(counts) <= MOST
    assert counts.add("again", 60) == 1 and counts.add("again", 60) == 2 and counts.get("again")[0] == 2
    assert places.enter("x", 1, 0, "a") and places.enter("x", 1, 60, "b"), "a place whose time is over is free"
    assert not places.enter("x", 1, 60, "c")


# -- per person, API key and tenant


def test_more_sessions_give_nobody_more_requests(client_of, world, limits_on, one_minute, asked_already):
    """The limit is the person's: 600 requests a minute, whichever of their sessions asks."""
    first, second = client_of("cleo"), client_of("cleo")
    assert [one.get(ME).status_code for one in (first, second)] == [200, 200]
    assert asked_already(world.cleo.id, 596) == 598
    assert [one.get(ME).status_code for one in (first, second)] == [200, 200]
    for answer in (first.get(ME), second.get(ME)):
        assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= 60


def test_each_api_key_has_its_own_limit(app, client_of, limits_on, one_minute, asked_already):
    alice = client_of("alice")
    keys = [
        alice.post("/api/v1/api-keys", json={"name": f"k{n}", "permissions": ["chat:use"]}).get_json()["data"]
        for n in (1, 2)
    ]

    def status(made):
        return app.test_client().get(ME, headers={"Authorization": f"Bearer {made['key']}"}).status_code

    assert status(keys[0]) == 200
    assert asked_already(keys[0]["id"], 597) == 598
    assert [status(keys[0]) for _ in range(3)] == [200, 200, 429]
    assert status(keys[1]) == 200


def test_a_tenant_cannot_use_up_what_others_need(client_of, limits_on, one_minute, with_settings):
    """All of Acme's people together have a limit; Globex does not notice that it is reached."""
    with_settings(tenant_requests_per_minute=30)
    acme, globex = [client_of(name) for name in ("alice", "bob", "lee")], client_of("mallory")
    assert [acme[n % 3].get(ME).status_code for n in range(33)] == [200] * 30 + [429] * 3
    assert globex.get(ME).status_code == 200


# -- told the same way everywhere


def test_every_429_says_when_to_come_back(app, client_of, world, limits_on, one_minute, asked_already):
    for n in range(11):
        locked = _guess(app, world.dana.email, n)
    page = app.test_client().post(
        LOGIN, json={"email": world.dana.email, "password": PASSWORD}, headers={"Accept": "text/html"}
    )
    lee = client_of("lee")
    assert lee.get(ME).status_code == 200
    asked_already(world.lee.id, 599)
    limited = lee.get(ME)
    shown = lee.get("/settings", headers={"Accept": "text/html"})
    for answer, most in ((locked, 900), (page, 900), (limited, 60), (shown, 60)):
        assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= most, answer.text[:200]
