"""Answers: streamed, stopped, cut off by a revocation, failed with a retry, recovered by a job."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from tests.chat.conftest import Model, events_of, settled
from tests.server import Server
from tests.waiting import PATIENT, promptly, until

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def talkers(models: Model, serving: dict[str, str], var: Path) -> Iterator[Connect]:
    """Servers whose answers come from the model on this machine, one for each number of processes and patience."""
    made: dict[tuple[int, str], Server] = {}

    def get(processes: int, patience: str) -> Server:
        if (processes, patience) not in made:
            environment = {**serving, "LLM_BASE_URL": models.url, "LLM_MODEL": "local", "LLM_TIMEOUT": patience}
            made[processes, patience] = Server(environment, var, processes)
        return made[processes, patience]

    yield get
    for one in made.values():
        one.stop()


@pytest.fixture
def talker(model: Model, talkers: Connect) -> Connect:
    return lambda processes=1, patience="60": talkers(processes, patience)


def test_a_language_model_answers_and_gets_the_history(
    talker: Connect, model: Model, socket_of: Connect, sign_in: Connect
) -> None:
    token = sign_in("alice")["token"]
    running = talker()
    alice = socket_of("alice", running, token=token)
    with running.http(token) as http:
        first = alice.ask("message:sent", {"content": "What is it?"})
        reply = settled(http, first["sessionId"], first["replyId"])
        assert reply["content"] == "The answer is fourty-two 🙂." and reply["status"] == "done"
        assert reply["metadata"]["model"] == "local" and "quotes" not in reply["metadata"]["label"]
        second = alice.ask("message:sent", {"content": "Again?", "sessionId": first["sessionId"]})
        settled(http, second["sessionId"], second["replyId"])
    told = [(m["role"], m["content"]) for m in model.asked[1]["messages"][1:]]
    assert told == [("user", "What is it?"), ("assistant", reply["content"]), ("user", "Again?")]
    until(lambda: first["replyId"] in [p["messageId"] for n, p in list(alice.heard) if n == "message:received"])
    deltas = [p for n, p in alice.heard if n == "message:delta" and p["messageId"] == first["replyId"]]
    assert "".join(d["text"] for d in deltas) == reply["content"]


@pytest.mark.parametrize(
    ("mood", "code", "kept"),
    [("refuse", "provider_failed", ""), ("hang", "provider_timeout", ""), ("drip", "provider_timeout", ""), ("break", "provider_away", "The answer "),
     ("nonsense", "provider_talks_nonsense", "")],
)  # fmt: skip
def test_a_model_that_fails_leaves_the_question_and_a_reply_with_a_retry(
    mood: str, code: str, kept: str, talker: Connect, model: Model, socket_of: Connect, sign_in: Connect
) -> None:
    model.mood = mood
    token = sign_in("alice")["token"]
    patient = talker()
    hasty = talker(patience="0.7") if code == "provider_timeout" else patient
    ack = socket_of("alice", hasty, token=token).ask("message:sent", {"content": "Do you hear me?"})
    assert ack["ok"]
    alice = socket_of("alice", patient, token=token)
    with patient.http(token) as http:
        reply = settled(http, ack["sessionId"], ack["replyId"])
        assert reply["status"] == "failed" and reply["content"] == kept
        assert reply["metadata"]["error"]["code"] == code and reply["metadata"]["error"]["retry"] is True
        model.mood = "answer"
        again = alice.ask("message:retry", {"sessionId": ack["sessionId"], "messageId": ack["replyId"]})
        assert again["ok"] and again["messageId"] == ack["messageId"]
        better = settled(http, ack["sessionId"], again["replyId"])
        assert better["status"] == "done" and better["parent_id"] == ack["messageId"]
        stored = http.get(f"/api/v1/sessions/{ack['sessionId']}/messages").json()["data"]
    assert [m["content"] for m in stored if m["role"] == "user"] == ["Do you hear me?"]
    assert [m["status"] for m in stored] == ["done", "failed", "done"]


def test_stopping_keeps_what_is_there_from_whatever_process_it_is_stopped(
    talker: Connect, model: Model, socket_of: Connect, sign_in: Connect
) -> None:
    model.words, model.pause = [f"w{i} " for i in range(4000)], 0.02
    token = sign_in("alice")["token"]
    running = talker(2)
    asks, *others = (socket_of("alice", running, token=token) for _ in range(7))
    for stops in others:  # six of them: some are held by the other process
        ack = asks.ask("message:sent", {"content": "Count"})
        until(lambda ack=ack: any(n == "message:delta" and p["messageId"] == ack["replyId"] for n, p in asks.heard))
        assert stops.ask("message:stop", {"sessionId": ack["sessionId"]})["stopped"] == [ack["replyId"]]
        with running.http(token) as http:
            reply = settled(http, ack["sessionId"], ack["replyId"])
        assert reply["status"] == "stopped" and reply["content"].startswith("w0 ") and "w3999" not in reply["content"]


def test_a_silent_model_can_be_stopped(talker: Connect, model: Model, socket_of: Connect, sign_in: Connect) -> None:
    model.mood = "hang"
    token = sign_in("alice")["token"]
    running = talker()
    alice = socket_of("alice", running, token=token)
    ack = alice.ask("message:sent", {"content": "Hello?"})
    until(lambda: model.asked)
    with promptly(1):
        assert alice.ask("message:stop", {"sessionId": ack["sessionId"]})["stopped"] == [ack["replyId"]]
        assert alice.wait_for("message:received")["status"] == "stopped"


def test_a_revoked_session_stops_its_streams_on_socket_and_http(
    talker: Connect, model: Model, socket_of: Connect, sign_in: Connect
) -> None:
    model.words, model.pause = [f"w{i} " for i in range(4000)], 0.02
    doomed, other = sign_in("alice"), sign_in("alice")["token"]
    running = talker(2)
    alice = socket_of("alice", running, token=doomed["token"])
    ack = alice.ask("message:sent", {"content": "Count"})
    with running.http(doomed["token"]) as http, running.http(other) as judge:
        streamed = http.post("/api/v1/chat", json={"text": "Count too"}, stream=True)
        lines = streamed.iter_lines(decode_unicode=True)
        head = [next(lines) for _ in range(8)]
        chat = json.loads(head[1].removeprefix("data: "))["session_id"]
        reply_id = json.loads(head[4].removeprefix("data: "))["reply_id"]
        ended = judge.delete(f"/api/v1/auth/sessions/{doomed['session_id']}")
        assert ended.status_code == 200
        with promptly(2):
            rest = "\n".join(_until(lines, time.monotonic() + PATIENT))
        assert '"status":"stopped"' in rest
        for session_id, id in ((ack["sessionId"], ack["replyId"]), (chat, reply_id)):
            assert settled(judge, session_id, id)["status"] == "stopped"
    assert alice.wait_for("session:revoked")["reason"] == "revoked_by_you"


def _until(lines: Iterator[str], deadline: float) -> Iterator[str]:
    """The lines of an answer that must end; raises TimeoutError for one that goes on, which may be for ever."""
    for line in lines:
        if time.monotonic() > deadline:
            raise TimeoutError(f"it goes on: {line!r}")
        yield line


def test_a_device_that_joins_in_the_middle_gets_the_text_so_far(
    talker: Connect, model: Model, socket_of: Connect, sign_in: Connect
) -> None:
    model.words, model.pause = [f"ü🙂{i} " for i in range(1500)], 0.1  # until somebody has joined
    token = sign_in("alice")["token"]
    running = talker(2)
    here = socket_of("alice", running, token=token)
    ack = here.ask("message:sent", {"content": "Count"})
    until(lambda: sum(n == "message:delta" for n, _ in here.heard) > 5)
    there = socket_of("alice", running, token=token)
    joined = there.ask("session:join", {"sessionId": ack["sessionId"], "afterSeq": 0})
    model.pause = 0.0
    [running_reply] = joined["replies"]
    text = running_reply["text"]
    assert running_reply["messageId"] == ack["replyId"] and text.startswith("ü🙂0 ")
    whole = until(lambda: next((p for n, p in there.heard if n == "message:received"), None))["content"]
    for name, delta in there.heard:
        if name == "message:delta" and delta["offset"] <= len(text):
            text += delta["text"][len(text) - delta["offset"] :]
    assert text == whole == "".join(model.words)


def test_a_turn_over_http_streams_creates_and_is_sent_once(server: Connect, sign_in: Connect, new_id: Connect) -> None:
    with server().http(sign_in("alice")["token"]) as http:
        sent = {"text": "hello there", "client_id": new_id()}
        answer = http.post("/api/v1/chat", json=sent)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        found = events_of(answer.text)
        names = [name for name, _ in found]
        assert names[:2] == ["session", "message"] and names[-1] == "done" and set(names[2:-1]) == {"delta"}
        done = found[-1][1]
        assert "".join(d["text"] for n, d in found if n == "delta") == done["content"]
        assert found[0][1]["created"] is True
        again = events_of(http.post("/api/v1/chat", json=sent).text)
        assert again[1][1]["message_id"] == found[1][1]["message_id"] and again[-1][1]["content"] == done["content"]
        assert len(http.get(f"/api/v1/sessions/{found[0][1]['session_id']}/messages").json()["data"]) == 2


def test_another_device_hears_the_question_before_its_answer(
    talker: Connect, model: Model, socket_of: Connect, sign_in: Connect
) -> None:
    running, token = talker(), sign_in("alice")["token"]
    asking, other = (socket_of("alice", running, token=token) for _ in range(2))
    asking.ask("message:sent", {"content": "Which?"})
    until(lambda: [n for n, _ in other.heard].count("message:received") == 2)
    names = [name for name, _ in other.heard if name in ("session:created", "message:received", "message:delta")]
    assert names[:2] == ["session:created", "message:received"] and names[-1] == "message:received"
    assert set(names[2:-1]) <= {"message:delta"}


def test_what_comes_at_once_is_handed_out_together_and_nothing_is_lost(
    talker: Connect, model: Model, sign_in: Connect
) -> None:
    model.words = ["".join(f"w{i}🙂 " for i in range(n, n + 3)) for n in range(0, 900, 3)]
    with talker().http(sign_in("alice")["token"]) as http:
        found = events_of(http.post("/api/v1/chat", json={"text": "Count fast"}).text)
    deltas = [data for name, data in found if name == "delta"]
    told = ""
    for delta in deltas:
        assert delta["offset"] == len(told)
        told += delta["text"]
    assert told == "".join(model.words) == found[-1][1]["content"] and found[-1][0] == "done"
    assert len(deltas) <= len(model.words)
    assert [one["content"] for one in model.asked[0]["messages"] if one["role"] != "system"] == ["Count fast"]


def test_a_reply_goes_on_when_the_client_has_left(talker: Connect, model: Model, sign_in: Connect) -> None:
    model.words, model.pause = [f"w{i} " for i in range(40)], 0.02
    running = talker()
    with running.http(sign_in("alice")["token"]) as http:
        streamed = http.post("/api/v1/chat", json={"text": "Count"}, stream=True)
        lines = streamed.iter_lines(decode_unicode=True)
        head = [next(lines) for _ in range(6)]
        streamed.close()
        ids = json.loads(head[4].removeprefix("data: "))
        reply = settled(http, ids["session_id"], ids["reply_id"])
    assert reply["status"] == "done" and reply["content"].endswith("w39 ")


def test_a_reply_whose_process_was_killed_is_finished_by_the_job(
    server: Connect, model: Model, socket_of: Connect, sign_in: Connect, app: Flask, owner: Any, world: Any
) -> None:
    from onyx.chat import recovery

    model.words, model.pause = [f"w{i} " for i in range(4000)], 0.02
    token = sign_in("alice")["token"]
    running = server(fresh=True, LLM_BASE_URL=model.url)
    alice = socket_of("alice", running, token=token)
    ack = alice.ask("message:sent", {"content": "What about granite?"})
    until(lambda: any(n == "message:delta" for n, _ in alice.heard))
    table = f"{world.acme.schema}.chat_message"
    row = f"select status, content, metadata from {table} where id = %s"
    owner.execute(f"update {table} set created_at = now() - interval '2 minutes' where id = %s", [ack["replyId"]])
    with app.app_context():
        assert recovery.recover_replies(world.acme.id) == 0, "its process lives"
        for pid in running.pids():
            os.kill(pid, signal.SIGKILL)
        store = app.extensions["onyx"].store
        until(lambda: recovery.time.time() - _last_beat(store, world.acme.id, ack["replyId"]) > 10)
        assert owner.execute(row, [ack["replyId"]]).fetchone()[0] == "pending"
        assert recovery.recover_replies(world.acme.id) == 1
    status, content, metadata = owner.execute(row, [ack["replyId"]]).fetchone()
    assert status == "done" and "granite" in content and metadata["label"].startswith("Built-in")


def _last_beat(store: Any, tenant: UUID, reply: str) -> float:
    process = store.client.get(f"t:{tenant}:reply-by:{reply}")
    return float(store.client.zscore("onyx:processes", process) or 0)


def test_a_reply_that_waited_too_long_is_marked_failed_with_a_retry(
    app: Flask, client_of: Connect, session_of: Connect, actor_of: Connect, owner: Any, world: Any
) -> None:
    from onyx.audit.actions import Action
    from onyx.audit.record import record, target
    from onyx.chat import recovery
    from onyx.core.db import rows
    from onyx.core.ids import uuid7

    bob = client_of("bob")
    turn = bob.post("/chat", json={"text": "hi"}).get_json()["data"]
    id = uuid7()
    with session_of("bob") as session:
        rows(
            session,
            "insert into chat_message (user_id, id, chat_session_id, parent_id, role, status, content)"
            " values (%s, %s, %s, %s, 'assistant', 'pending', '') returning id",
            world.bob.id, id, UUID(turn["session_id"]), UUID(turn["message_id"]),
        )  # fmt: skip
        record(session, actor_of("bob"), Action.REPLY_RETRIED, target("message", id))
    with app.app_context():
        assert recovery.recover_replies(world.acme.id) == 0, "it is young: its process may be about to claim it"
        owner.execute(
            f"update {world.acme.schema}.chat_message set created_at = now() - interval '3 hours' where id = %s", [id]
        )
        assert recovery.recover_replies(world.acme.id) == 1
        assert recovery.recover_replies(world.acme.id) == 0
    reply = settled(bob, turn["session_id"], str(id))
    assert reply["status"] == "failed" and reply["metadata"]["error"]["code"] == "interrupted"


@pytest.mark.parametrize("purpose", ["member", "admin", "auditor", "auth", "job:sessions"])
def test_only_the_job_learns_which_replies_wait(purpose: str, session_of: Connect) -> None:
    from onyx.core.db import rows

    with session_of("alice", purpose) as session:
        assert rows(session, "select * from stuck_replies(10)") == []
