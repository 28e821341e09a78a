"""A revocation reaches every process within a second: sockets close, HTTP refuses, the receipt says who obeyed (S5)."""

from __future__ import annotations

import statistics
import time

from tests.waiting import promptly, until

ROUNDS = 30


def test_a_revoked_session_loses_its_socket_within_a_second_on_two_processes(server, socket_of, sign_in):
    """F28: a socket that says nothing is told and cut off too, and receives no more."""
    serving = server(processes=2)
    by = serving.http(sign_in("alice")["token"])
    asked, took = [], []
    with by:
        for _ in range(ROUNDS):
            there = sign_in("alice")
            socket = socket_of("alice", serving, token=there["token"])
            began = time.perf_counter()
            with promptly(1):
                assert by.delete(f"/api/v1/auth/sessions/{there['session_id']}").status_code == 200
                asked.append(time.perf_counter() - began)
                told = socket.wait_for("session:revoked")
            took.append(time.perf_counter() - began - asked[-1])
            assert told == {"reason": "revoked_by_you"}
            until(lambda socket=socket: not socket.connected)  # not only told, but cut off
    # Whoever is not told by message learns it by polling, a second later on average, however fast the machine is.
    assert statistics.median(took) < max(0.5, 2 * statistics.median(asked)), (sorted(took), sorted(asked))


def test_a_revoked_session_is_refused_by_every_process(server, sign_in):
    """Fresh connections, so that both processes are asked; none of them answers 200 after the revocation did."""
    serving = server(processes=2)
    with serving.http(sign_in("alice")["token"]) as by:
        for _ in range(5):
            there = sign_in("alice")
            for _ in range(6):
                with serving.http(there["token"]) as client:
                    assert client.get("/api/v1/users/me").status_code == 200
            assert by.delete(f"/api/v1/auth/sessions/{there['session_id']}").status_code == 200
            answers = []
            for _ in range(10):
                with serving.http(there["token"]) as client:
                    answers.append(client.get("/api/v1/users/me").status_code)
            assert set(answers) == {401}


def test_an_admins_revocation_has_a_receipt_from_every_process(server, sign_in):
    serving = server(processes=2)
    there = sign_in("bob")
    with serving.http(sign_in("dana")["token"]) as dana:
        began = time.monotonic()
        answer = dana.delete(f"/api/v1/live-sessions/{there['session_id']}")
        assert answer.status_code == 200, answer.text
        path = f"/api/v1/revocations/{answer.json()['data']['revocation']}"
        until(lambda: dana.get(path).json()["data"]["acknowledged"] >= 3)
        receipt, waited = dana.get(path).json()["data"], time.monotonic() - began
    told = [one for one in receipt["processes"] if one["state"] == "acknowledged"]
    assert len(told) >= 3, receipt  # both of the server's, and this test's own
    assert max(one["milliseconds"] for one in told) < max(1000, waited * 1000), receipt


def test_an_event_after_the_end_is_refused_and_the_process_lives(server, socket_of, sign_in):
    """F32: signed out over HTTP, then an event on the socket that was opened before."""
    serving = server(processes=2)
    there = sign_in("alice")
    socket = socket_of("alice", serving, token=there["token"])
    with serving.http(there["token"]) as client:
        assert client.post("/api/v1/auth/logout").status_code == 200
    assert socket.wait_for("session:revoked") == {"reason": "signed_out"}
    assert serving.alive()
