"""A few answers at once for each person: the next is refused with a word, and nothing of it is kept (G1)."""

from __future__ import annotations

import time

import pytest

from onyx.chat.turns import ANSWERS_AT_ONCE
from tests.chat.conftest import until


@pytest.fixture
def running(server, model):
    """Two processes with limits on, and a model that keeps silent."""
    model.mood = "hang"
    return server(processes=2, fresh=True, RATE_LIMITS="true", LLM_BASE_URL=model.url, LLM_MODEL="local")


def test_answers_of_one_person_at_once_are_bounded_on_all_processes(running, sign_in, socket_of):
    token = sign_in("alice")["token"]
    alice, bob = socket_of("alice", running, token=token), socket_of("bob", running)
    asked = [alice.ask("message:sent", {"content": f"question {n}"}) for n in range(ANSWERS_AT_ONCE)]
    assert all(ack["ok"] for ack in asked)
    for _ in range(6):  # whatever process it reaches
        with running.http(token) as http:
            refused = http.post("/api/v1/chat", json={"text": "one more"})
        assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
        assert "answers" in refused.json()["error"]["message"]
    told = alice.ask("message:sent", {"content": "one more"})["error"]
    assert (told["code"], told["retry"]) == ("too_many", True) and told["retryAfter"] > 0
    with running.http(token) as http:
        assert len(http.get("/api/v1/sessions").json()["data"]) == ANSWERS_AT_ONCE, "what is refused is not kept"
    assert bob.ask("message:sent", {"content": "hello"})["ok"], "others are not kept waiting"
    first = asked[0]
    assert alice.ask("message:stop", {"sessionId": first["sessionId"], "messageId": first["replyId"]})["ok"]
    until(lambda: alice.ask("message:sent", {"content": "now"})["ok"] or time.sleep(0.5))
