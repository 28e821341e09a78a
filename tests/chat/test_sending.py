"""Sending over the socket: stored before it is acknowledged, once, in order; heard on every device."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.chat import turns
from onyx.chat.service import Asked
from onyx.core.ids import uuid7
from onyx.core.scope import tenant_scope
from tests.chat.conftest import settled, until

Connect = Callable[..., Any]


def test_a_message_is_stored_acknowledged_answered_and_stored_again(
    socket_of: Connect, server: Connect, new_id: Connect, sign_in: Connect
) -> None:
    token = sign_in("alice")["token"]
    alice = socket_of("alice", server(), token=token)
    ack = alice.ask("message:sent", {"content": "Where is the granite bridge?", "clientId": new_id()})
    assert ack["ok"] and ack["seq"] == 1 and {"sessionId", "messageId", "replyId"} <= ack.keys()
    with server().http(token) as http:
        reply = settled(http, ack["sessionId"], ack["replyId"])
    assert reply["status"] == "done" and reply["parent_id"] == ack["messageId"]
    assert reply["metadata"]["label"].startswith("Built-in assistant")
    until(lambda: any(name == "message:received" for name, _ in alice.heard))
    deltas = [payload for name, payload in alice.heard if name == "message:delta"]
    assert "".join(d["text"] for d in deltas) == reply["content"]
    assert [d["offset"] for d in deltas] == [sum(len(e["text"]) for e in deltas[:i]) for i in range(len(deltas))]
    received = alice.wait_for("message:received")
    assert received["content"] == reply["content"] and received["status"] == "done" and received["seq"] == 2


def test_the_other_device_hears_the_question_and_the_answer_and_bob_hears_nothing(
    socket_of: Connect, server: Connect, new_id: Connect
) -> None:
    here, there, bob = (socket_of(name, server()) for name in ("alice", "alice", "bob"))
    ack = here.ask("message:sent", {"content": "hello", "clientId": new_id()})
    created = there.wait_for("session:created")
    assert created["sessionId"] == ack["sessionId"] and created["title"] == "hello"
    until(lambda: sum(name == "message:received" for name, _ in there.heard) == 2)
    question, answer = (payload for name, payload in there.heard if name == "message:received")
    assert (question["role"], question["content"]) == ("user", "hello")
    assert (answer["role"], answer["status"]) == ("assistant", "done")
    assert all(p.get("role") != "user" for n, p in here.heard if n == "message:received"), "the sender has its ack"
    assert [name for name, _ in bob.heard if name.startswith(("message", "session"))] == []


def test_the_same_client_id_is_stored_once_also_when_sent_at_the_same_moment(
    socket_of: Connect, server: Connect, new_id: Connect, owner: Any, world: Any
) -> None:
    two = server(processes=2)
    sockets = [socket_of("alice", two) for _ in range(4)]
    for chat in ({}, {"sessionId": sockets[0].ask("message:sent", {"content": "first"})["sessionId"]}):
        sent = {"content": "only once", "clientId": new_id(), **chat}
        with ThreadPoolExecutor(8) as pool:
            acks = list(pool.map(lambda s, sent=sent: s.ask("message:sent", sent), sockets * 3))
        assert all(ack["ok"] for ack in acks), acks
        assert len({(a["sessionId"], a["messageId"], a["replyId"], a["seq"]) for a in acks}) == 1
        count = owner.execute(
            f"select count(*) from {world.acme.schema}.chat_message where client_id = %s", [sent["clientId"]]
        ).fetchone()
        assert count == (1,)


def test_fifty_parallel_messages_get_dense_numbers(
    socket_of: Connect, server: Connect, new_id: Connect, owner: Any, world: Any
) -> None:
    two = server(processes=2)
    sockets = [socket_of("alice", two) for _ in range(5)]
    chat = sockets[0].ask("message:sent", {"content": "begin"})["sessionId"]
    with ThreadPoolExecutor(10) as pool:
        acks = list(pool.map(
            lambda i: sockets[i % 5].ask("message:sent", {"content": f"n{i}", "sessionId": chat, "clientId": new_id()}),
            range(50),
        ))  # fmt: skip
    assert all(ack["ok"] for ack in acks)
    numbers = [n for (n,) in owner.execute(
        f"select seq from {world.acme.schema}.chat_message where chat_session_id = %s order by seq", [chat])]  # fmt: skip
    assert numbers == list(range(1, 103))
    assert len({ack["seq"] for ack in acks}) == 50


def test_what_was_missed_is_filled_by_number_once_and_in_order(
    socket_of: Connect, server: Connect, new_id: Connect
) -> None:
    here = socket_of("alice", server())
    away = socket_of("alice", server())
    chat = here.ask("message:sent", {"content": "before"})["sessionId"]
    away.disconnect()
    sent = [
        here.ask("message:sent", {"content": f"missed {i}", "sessionId": chat, "clientId": new_id()})
        for i in range(100)
    ]
    back = socket_of("alice", server())
    ack = back.ask("session:join", {"sessionId": chat, "afterSeq": 2})
    assert [m["seq"] for m in ack["messages"]] == list(range(3, 203))
    questions = [m["id"] for m in ack["messages"] if m["role"] == "user"]
    assert questions == [one["messageId"] for one in sent]


def test_much_that_was_missed_comes_in_answers_of_a_bounded_size(
    socket_of: Connect, server: Connect, session_of: Connect, actor_of: Connect
) -> None:
    """Long ones, many short ones, and one that is larger than an answer may be: each once, in order, none left out."""
    alice = socket_of("alice", server())
    lengths = [30_000] * 12 + [10] * 40 + [100_000] + [50_000] * 3 + [10]
    chat = _filled(session_of, actor_of("alice"), [("🙂" if n == 100_000 else "é") * n for n in lengths])
    seen: list[int] = []
    sizes: list[tuple[int, int]] = []
    after, more = 0, True
    while more:
        ack = alice.ask("session:join", {"sessionId": chat, "afterSeq": after})
        assert ack["ok"] and ack["messages"], (after, seen)
        seen += [message["seq"] for message in ack["messages"]]
        sizes.append((len(ack["messages"]), len(json.dumps(ack))))
        after, more = ack["messages"][-1]["seq"], ack["hasMore"]
    assert seen == list(range(1, len(lengths) + 1))
    assert all(size < 300_000 or count == 1 for count, size in sizes), sizes
    assert max(count for count, _ in sizes) > 40, "short ones come together"


def test_foreign_unknown_and_malformed_chats_answer_alike(socket_of: Connect, server: Connect, new_id: Connect) -> None:
    alice, bob, mallory = (socket_of(name, server()) for name in ("alice", "bob", "mallory"))
    ack = alice.ask("message:sent", {"content": "mine"})
    for other in (bob, mallory):
        for event, more in (
            ("message:sent", {"content": "in"}),
            ("message:stop", {}),
            ("message:retry", {"messageId": ack["replyId"]}),
            ("session:join", {}),
        ):
            told = []
            for id in (ack["sessionId"], new_id(), "nonsense"):
                error = other.ask(event, {"sessionId": id, **more})["error"]
                told.append({name: value for name, value in error.items() if name != "request_id"})
            assert told[0] == told[1] == told[2], event
            assert told[0]["code"] == "not_found" and told[0]["retry"] is False


def test_bad_input_is_refused_clearly_and_the_socket_lives_on(socket_of: Connect, server: Connect) -> None:
    alice = socket_of("alice", server())
    bad: list[Any] = [
        None, [], "text", 7, {}, {"content": ""}, {"content": "  \n"}, {"content": 5}, {"content": "x" * 100_001},
        {"content": "nul \0 inside"}, {"content": "hi", "clientId": {"a": 1}}, {"content": "hi", "parentId": 3},
        {"content": "\ud800"},
    ]  # fmt: skip
    for payload in bad:
        ack = alice.ask("message:sent", payload)
        assert ack["ok"] is False and ack["error"]["code"] == "invalid" and ack["error"]["retry"] is False, payload
        assert ack["error"]["request_id"]
    for event in ("message:stop", "message:retry", "session:join", "typing:start"):
        assert alice.ask(event, {"sessionId": None})["ok"] is False
    assert alice.ask("session:join", {"sessionId": "x", "afterSeq": -1})["error"]["code"] == "invalid"
    assert alice.ask("message:sent", {"content": "x" * 100_000})["ok"] is True


def test_typing_reaches_the_persons_other_devices_only(socket_of: Connect, server: Connect, new_id: Connect) -> None:
    here, there, bob = (socket_of(name, server()) for name in ("alice", "alice", "bob"))
    chat = new_id()
    assert here.ask("typing:start", {"sessionId": chat})["ok"]
    assert there.wait_for("typing")["typing"] is True
    assert here.ask("typing:stop", {"sessionId": chat})["ok"]
    until(lambda: [p["typing"] for n, p in there.heard if n == "typing"] == [True, False])
    assert "typing" not in [name for name, _ in here.heard + bob.heard]


def test_a_parent_must_be_of_the_same_chat(socket_of: Connect, server: Connect) -> None:
    alice = socket_of("alice", server())
    one, two = alice.ask("message:sent", {"content": "one"}), alice.ask("message:sent", {"content": "two"})
    wrong = {"content": "branch", "sessionId": two["sessionId"], "parentId": one["messageId"]}
    assert alice.ask("message:sent", wrong)["error"]["code"] == "not_found"
    right = alice.ask("message:sent", {**wrong, "sessionId": one["sessionId"]})
    assert right["ok"] and right["seq"] == 3


def test_presence_counts_devices_and_ends_with_them(socket_of: Connect, server: Connect, app: Any, world: Any) -> None:
    two = server(processes=2)
    here = socket_of("lee", two)
    there = socket_of("lee", two)
    assert here.wait_for("presence") == {"userId": str(world.lee.id), "online": True, "devices": 2}
    there.disconnect()
    until(lambda: [p["devices"] for n, p in here.heard if n == "presence"] == [2, 1])
    name = f"t:{world.acme.id}:presence:{world.lee.id}"
    client = app.extensions["onyx"].store.client
    assert client.zcard(name) == 1 and 0 < client.ttl(name) <= 75


def test_a_sender_that_missed_everything_is_told_when_it_sends_again(
    socket_of: Connect, server: Connect, new_id: Connect, sign_in: Connect
) -> None:
    token = sign_in("alice")["token"]
    sent = {"content": "hello", "clientId": new_id()}
    first = socket_of("alice", server(), token=token)
    ack = first.ask("message:sent", sent)
    with server().http(token) as http:
        reply = settled(http, ack["sessionId"], ack["replyId"])
    first.disconnect()
    back = socket_of("alice", server(), token=token)
    assert back.ask("message:sent", sent) == ack
    # Answers to other messages of Alice's may come meanwhile.
    until(
        lambda: (
            (reply["id"], reply["content"])
            in [(p["messageId"], p["content"]) for n, p in back.heard if n == "message:received"]
        )
    )


def test_the_other_device_hears_where_many_chats_went(socket_of: Connect, server: Connect, sign_in: Connect) -> None:
    token = sign_in("alice")["token"]
    there, bob = socket_of("alice", server(), token=token), socket_of("bob", server())
    with server().http(token) as http:
        chats = [http.post("/api/v1/sessions", json={}).json()["data"]["id"] for _ in range(2)]
        project = http.post("/api/v1/projects", json={"name": "p"}).json()["data"]["id"]
        sent = {"op": "move", "ids": [*chats, "x"], "project_id": project}
        assert http.post("/api/v1/sessions/batch", json=sent).status_code == 200
    until(lambda: sum(name == "session:updated" for name, _ in there.heard) == 2)
    told = [payload for name, payload in there.heard if name == "session:updated"]
    assert [(one["sessionId"], one["projectId"]) for one in told] == [(chat, project) for chat in chats]
    assert [name for name, _ in bob.heard if name.startswith("session")] == []


def _filled(session_of: Connect, actor: Any, contents: list[str]) -> str:
    """Alice's chat with these messages."""
    user, chat = actor.user_id, uuid7()
    one = "insert into chat_message (user_id, id, chat_session_id, role, content) values (%s, %s, %s, 'user', %s)"
    with session_of("alice") as session:
        run = session.connection().exec_driver_sql
        run("insert into chat_session (user_id, id, title) values (%s, %s, 'long')", (user, chat))
        for content in contents:
            run(one, (user, uuid7(), chat, content))
        record(session, actor, Action.CHAT_CREATED, target("chat", chat))
    return str(chat)


def test_whoever_hears_of_a_question_can_stop_its_answer_at_once(app, actor_of, world, owner, monkeypatch):
    """Other devices hear of it before the answer begins: a stop that comes in between must find it."""
    alice = actor_of("alice")
    monkeypatch.setattr(
        turns,
        "_tell_others",
        lambda actor, stored, *_: turns.stop(actor, chat_id=stored.chat_id, message_id=stored.reply_id),
    )
    with app.app_context(), tenant_scope(world.acme.id, "member", world.alice.id):
        stored = turns.ask(alice, Asked("Where is the granite bridge?"))
    asked = f"select status from {world.acme.schema}.chat_message where id = %s"
    until(lambda: owner.execute(asked, [stored.reply_id]).fetchone()[0] != "pending")
    assert owner.execute(asked, [stored.reply_id]).fetchone() == ("stopped",)
