"""Redis that answers after five seconds, or not at all, in the middle of load: nobody waits for it for long (S6)."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import contextmanager

import pytest
import redis

from tests.proxy import Proxy
from tests.server import Server
from tests.waiting import promptly, until

ME = "/api/v1/users/me"
SLOW = 5.0
ROUNDS, MOST_ROUNDS = 2, 6
EACH = 80
BACK = 2.5  # seconds after which Redis is believed again
NOBODYS = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def proxy(addresses):
    made = Proxy(addresses["REDIS_URL"])
    yield made
    made.go()


@pytest.fixture(scope="module")
def behind(serving, var, proxy):
    """Two processes that reach Redis through the proxy alone; each test leaves it well, and believed again."""
    made = Server({**serving, "REDIS_URL": proxy.url}, var, 2)
    yield made
    made.stop()


@contextmanager
def slow(proxy):
    proxy.late = SLOW
    try:
        yield
    finally:
        proxy.late = 0.0


@contextmanager
def gone(proxy):
    proxy.go()
    try:
        yield
    finally:
        proxy.come_back()


@contextmanager
def well(_proxy):
    yield


def _p95(times):
    return statistics.quantiles(times, n=20)[-1]


def _load(server, tokens, each):
    """Requests of several people at once; returns how long each took. Everyone of them is answered 200."""
    times, wrong = [], []

    def person(token):
        with server.http(token) as client:
            for _ in range(each):
                began = time.perf_counter()
                status = client.get(ME).status_code
                times.append(time.perf_counter() - began)
                if status != 200:
                    wrong.append(status)

    threads = [threading.Thread(target=person, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    return times


def test_with_redis_slow_or_gone_requests_take_at_most_three_times_as_long(behind, proxy, sign_in, socket_of):
    """Alternating, so that a busy machine slows all alike, and again if it did not. Sockets are answered all the time,
    also new ones.
    """
    tokens = [sign_in(name)["token"] for name in ("alice", "bob", "cleo")]
    open_before = socket_of("alice", behind)
    _load(behind, tokens, 20)
    seen = []
    for number in range(MOST_ROUNDS):
        times = {well: [], slow: [], gone: []}
        for how in (well, slow, well, gone):
            with how(proxy):
                times[how] += _load(behind, tokens, EACH)
                for socket in (open_before, socket_of("bob", behind)):
                    with promptly(4):
                        assert socket.ask("session:join", {"sessionId": NOBODYS})["error"]["code"] == "not_found"
            time.sleep(BACK)
        normal = _p95(times[well])
        seen.append((_p95(times[slow]) / normal, _p95(times[gone]) / normal, max(times[slow])))
        if number + 1 >= ROUNDS and min(one[0] for one in seen) <= 3 >= min(one[1] for one in seen):
            break
    assert min(one[0] for one in seen) <= 3 >= min(one[1] for one in seen), seen
    assert min(one[2] for one in seen) < SLOW, "somebody waited for Redis"


@pytest.mark.parametrize("how", [slow, gone, well])
def test_what_is_revoked_meanwhile_is_dead_on_every_process_within_a_second_and_stays_so(
    behind, proxy, sign_in, socket_of, how
):
    """Also when Redis is emptied in the middle of load (`well`): what it forgot is asked of PostgreSQL."""
    goes, stays, by = sign_in("alice"), sign_in("bob"), sign_in("alice")
    socket = socket_of("alice", behind, token=goes["token"])
    watcher = threading.Thread(target=_load, args=(behind, [stays["token"]], EACH))
    watcher.start()
    with behind.http(by["token"]) as client, behind.http(goes["token"]) as gone_one:
        for _ in range(6):
            assert gone_one.get(ME).status_code == 200
        with how(proxy):
            client.get(ME)  # somebody has noticed by now
            assert client.delete(f"/api/v1/auth/sessions/{goes['session_id']}").status_code == 200
            with promptly(2):
                if how is well:
                    _direct(proxy).flushall()
                socket.wait_for("session:revoked")
                until(lambda: _statuses(behind, goes["token"]) == {401})
            assert _statuses(behind, goes["token"]) == {401}
            assert _statuses(behind, stays["token"]) == {200}
        assert _statuses(behind, goes["token"]) == {401}, "it came back with Redis"
        time.sleep(BACK)
        assert _statuses(behind, goes["token"]) == {401}, "it came back when Redis was believed again"
        assert _statuses(behind, stays["token"]) == {200}
    watcher.join()


def _statuses(server, token):
    """What one token gets, over as many connections as reach every process."""
    found = set()
    for _ in range(10):
        with server.http(token) as client:
            found.add(client.get(ME).status_code)
    return found


def _direct(proxy):
    return redis.Redis.from_url(proxy.direct)
