"""Chats over HTTP: the seed's bodies, pages by cursor, ownership, exports, batches, and what is recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from tests.chat.conftest import settled

Client = Callable[..., Any]


def begun(client: Any, text: str = "hello") -> dict[str, Any]:
    """A chat with one answered question: the data of `POST /chat`."""
    answer = client.post("/chat", json={"text": text})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.get_json()["data"]
    return data


ROUTES = [
    ("GET", "/api/v1/sessions/{chat}", None),
    ("PATCH", "/api/v1/sessions/{chat}", {"title": "stolen"}),
    ("PUT", "/api/v1/sessions/{chat}/title", {"title": "stolen"}),
    ("GET", "/api/v1/sessions/{chat}/messages", None),
    ("GET", "/api/v1/sessions/{chat}/export?format=json", None),
    ("POST", "/api/sessions/{chat}/load", None),
    ("GET", "/api/sessions/{chat}/history", None),
    ("DELETE", "/api/sessions/{chat}", None),
    ("DELETE", "/api/v1/sessions/{chat}", None),
    ("GET", "/c/{chat}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_foreign_deleted_random_and_malformed_chats_answer_alike(
    method: str, path: str, body: Any, client_of: Client
) -> None:
    alice = client_of("alice")
    chat = begun(alice)["session_id"]
    gone = begun(alice)["session_id"]
    assert alice.delete(f"/api/v1/sessions/{gone}").status_code == 200

    def told(client: Any, id: str) -> tuple[int, str]:
        answer = client.open(path.format(chat=id), method=method, json=body)
        return answer.status_code, re.sub(r'"request_id": "[0-9a-f]+"', "", answer.text)

    answers = {told(client_of(name), chat) for name in ("bob", "dana", "mallory")}
    answers |= {told(alice, gone), told(alice, str(uuid4())), told(alice, "nonsense")}
    assert len(answers) == 1 and answers.pop()[0] == 404
    assert alice.get(f"/api/v1/sessions/{chat}").get_json()["data"]["title"] == "hello"


@pytest.mark.parametrize("field", ["session_id", "project_id", "persona_id"])
def test_a_turn_in_a_foreign_or_unknown_place_is_404_and_stores_nothing(
    field: str, client_of: Client, owner: Any, world: Any
) -> None:
    alice, bob = client_of("alice"), client_of("bob")
    theirs = {
        "session_id": begun(alice)["session_id"],
        "project_id": alice.post("/api/v1/projects", json={"name": "Bridge"}).get_json()["data"]["id"],
        "persona_id": str(uuid4()),
    }[field]
    count = f"select count(*) from {world.acme.schema}.chat_message"
    before = owner.execute(count).fetchone()
    for id in (theirs, str(uuid4()), "nonsense"):
        assert bob.post("/api/v1/chat", json={"text": "in", field: id}).status_code == 404
    assert owner.execute(count).fetchone() == before


def test_a_named_project_is_made_and_a_known_one_is_used(client_of: Client) -> None:
    cleo = client_of("cleo")
    first = cleo.post("/chat", json={"text": "begin", "project": {"name": "Bridge"}}).get_json()["data"]
    [project] = cleo.get("/api/v1/projects").get_json()["data"]
    assert project["name"] == "Bridge"
    assert cleo.get(f"/api/v1/sessions/{first['session_id']}").get_json()["data"]["project_id"] == project["id"]
    second = cleo.post("/chat", json={"text": "more", "project_id": project["id"]}).get_json()["data"]
    assert cleo.get(f"/api/v1/sessions/{second['session_id']}").get_json()["data"]["project_id"] == project["id"]


def test_the_list_goes_by_cursor_without_gap_or_double_and_filters_by_title(client_of: Client) -> None:
    lee = client_of("lee")
    made = [lee.post("/api/v1/sessions", json={"title": f"Chat {i}"}).get_json()["data"]["id"] for i in range(7)]
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = lee.get(f"/api/v1/sessions?limit=3&after={cursor}").get_json()
        found += [chat["id"] for chat in answer["data"]]
        cursor = answer["next"]
    assert found == made[::-1]
    titles = [chat["title"] for chat in lee.get("/api/v1/sessions?q=T 4").get_json()["data"]]
    assert titles == ["Chat 4"]
    assert lee.get("/api/v1/sessions?q=%").get_json()["data"] == []
    for bad in ("limit=0", "limit=x", "after=nonsense", "after=bm9uc2Vuc2U"):
        assert lee.get(f"/api/v1/sessions?{bad}").status_code == 422, bad


def test_messages_by_offset_before_and_after(client_of: Client) -> None:
    alice = client_of("alice")
    chat = begun(alice)["session_id"]
    for text in ("two", "three"):
        alice.post("/chat", json={"text": text, "session_id": chat})
    at = f"/api/v1/sessions/{chat}/messages"

    def seqs(query: str) -> tuple[list[int], Any]:
        answer = alice.get(f"{at}?{query}").get_json()
        return [m["seq"] for m in answer["data"]], answer["next"]

    assert seqs("limit=4") == ([1, 2, 3, 4], "4")
    assert seqs("limit=4&offset=4") == ([5, 6], None)
    assert seqs("limit=4&after_seq=4") == ([5, 6], None)
    assert seqs("limit=4&after=1") == ([2, 3, 4, 5], "5")
    assert seqs("limit=2&before=5") == ([3, 4], "3")
    assert alice.get(f"{at}?offset=-1").status_code == 422


def test_the_seeds_bodies(client_of: Client) -> None:
    cleo = client_of("cleo")
    made = cleo.post("/api/sessions", json={})
    assert made.status_code == 201
    chat = made.get_json()["data"]["session"]["id"]
    assert set(made.get_json()["data"]["session"]) >= {"id", "createdAt"}
    cleo.post("/chat", json={"message": "hello", "session_id": chat})

    loaded = cleo.post(f"/api/sessions/{chat}/load").get_json()
    assert loaded["success"] is True
    assert {"sessionId": chat, "loaded": True, "currentSession": chat}.items() <= loaded["data"].items()
    history = loaded["data"]["conversationHistory"]
    assert next((m["role"], m["content"]) for m in history) == ("user", "hello") and "timestamp" in history[0]

    listed = cleo.get("/api/sessions").get_json()["data"]
    assert listed["count"] == len(listed["sessions"]) and listed["currentSession"] == chat
    entry = next(s for s in listed["sessions"] if s["id"] == chat)
    assert entry["messageCount"] == 2 and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", entry["createdAt"])
    assert set(entry) >= {"id", "createdAt", "lastActivity", "messageCount"}

    other = client_of("cleo")
    assert other.get("/api/sessions").get_json()["data"]["currentSession"] is None, "it is kept per login session"
    shown = cleo.get(f"/api/sessions/{chat}/history").get_json()["data"]
    assert shown["sessionId"] == chat and shown["history"] == history
    assert cleo.delete(f"/api/sessions/{chat}").get_json()["data"] == {"sessionId": chat, "deleted": True}
    assert cleo.get("/api/sessions").get_json()["data"]["currentSession"] is None


def test_a_chosen_id_makes_one_session(client_of: Client) -> None:
    alice, bob, id = client_of("alice"), client_of("bob"), str(uuid4())
    assert alice.post("/api/sessions", json={"sessionId": id}).status_code == 201
    assert alice.post("/api/sessions", json={"sessionId": id}).status_code == 200
    assert bob.post("/api/sessions", json={"sessionId": id}).status_code == 201, "what others have is not to be seen"
    assert alice.post("/api/sessions", json={"sessionId": "session-1"}).status_code == 422


def test_x_user_id_must_be_the_person(client_of: Client, world: Any) -> None:
    alice = client_of("alice")
    sent = {"text": "hello"}
    assert alice.post("/chat", json=sent, headers={"X-User-ID": str(world.alice.id)}).status_code == 200
    for other in (str(world.bob.id), "nonsense"):
        assert alice.post("/chat", json=sent, headers={"X-User-ID": other}).status_code == 403


def test_exports_hold_everything_and_nothing_active(client_of: Client) -> None:
    alice = client_of("alice")
    evil = "see <script>alert(1)</script> [x](javascript:alert(1)) **bold** ![seen](https://elsewhere.example/a.png)"
    chat = begun(alice, evil)["session_id"]
    at = f"/api/v1/sessions/{chat}/export?format="
    as_json = alice.get(at + "json")
    assert json.loads(as_json.text)["messages"][0]["content"] == evil
    assert "attachment" in as_json.headers["Content-Disposition"]
    assert evil in alice.get(at + "md").text
    page = alice.get(at + "html").text
    assert (
        "<strong>bold</strong>" in page
        and "<script" not in page
        and "<img" not in page
        and 'href="javascript' not in page
    )
    assert alice.get(at + "pdf").status_code == 422


def test_a_batch_tells_of_each_item(client_of: Client) -> None:
    alice, bob = client_of("alice"), client_of("bob")
    mine, theirs = begun(alice)["session_id"], begun(bob)["session_id"]
    results = alice.post("/api/v1/sessions/batch", json={"op": "export", "ids": [mine, theirs, "x"], "format": "md"})
    assert [item["ok"] for item in results.get_json()["data"]] == [True, False, False]
    deleted = alice.post("/api/v1/sessions/batch", json={"op": "delete", "ids": [theirs, mine, mine]}).get_json()[
        "data"
    ]
    assert [item["ok"] for item in deleted] == [False, True, False]
    assert alice.get(f"/api/v1/sessions/{mine}").status_code == 404
    assert bob.get(f"/api/v1/sessions/{theirs}").status_code == 200
    assert alice.post("/api/v1/sessions/batch", json={"op": "drop", "ids": [mine]}).status_code == 422


def test_a_batch_moves_with_a_result_for_each(client_of: Client, owner: Any, world: Any) -> None:
    alice, bob = client_of("alice"), client_of("bob")
    first, second, gone = (alice.post("/api/v1/sessions", json={}).get_json()["data"]["id"] for _ in range(3))
    theirs, projects = bob.post("/api/v1/sessions", json={}).get_json()["data"]["id"], []
    for client in (alice, bob):
        projects.append(client.post("/api/v1/projects", json={"name": "p"}).get_json()["data"]["id"])
    mine, bobs = projects
    alice.delete(f"/api/v1/sessions/{gone}")

    def move(ids: list[str], to: Any) -> Any:
        return alice.post("/api/v1/sessions/batch", json={"op": "move", "ids": ids, "project_id": to})

    told = move([first, theirs, gone, str(uuid4()), "x", second], mine).get_json()["data"]
    assert [item["ok"] for item in told] == [True, False, False, False, False, True]
    assert len({json.dumps(item["error"]) for item in told if not item["ok"]}) == 1, "strangers, gone and random alike"
    assert alice.get(f"/api/v1/sessions/{second}").get_json()["data"]["project_id"] == mine
    answers = [move([first], to) for to in (bobs, str(uuid4()), "nonsense")]
    assert {answer.status_code for answer in answers} == {404}
    assert alice.get(f"/api/v1/sessions/{first}").get_json()["data"]["project_id"] == mine, "nothing was moved"
    assert move([first], None).get_json()["data"] == [{"id": first, "ok": True, "project_id": None}]
    assert alice.get(f"/api/v1/sessions/{first}").get_json()["data"]["project_id"] is None
    assert alice.post("/api/v1/sessions/batch", json={"op": "move", "ids": [first]}).status_code == 422
    assert bob.get(f"/api/v1/sessions/{theirs}").get_json()["data"]["project_id"] is None
    moves = owner.execute(
        f"select changes from {world.acme.schema}.audit_event where action = 'chat.moved' and targets::text like %s"
        " order by recorded_at, event_id", [f"%{first}%"],
    ).fetchall()  # fmt: skip
    assert [(c[0]["old"], c[0]["new"]) for (c,) in moves] == [(None, mine), (mine, None)]


def test_one_chat_is_moved_and_taken_out_again(client_of: Client) -> None:
    alice = client_of("alice")
    chat = alice.post("/api/v1/sessions", json={"title": "t"}).get_json()["data"]["id"]
    project = alice.post("/api/v1/projects", json={"name": "p"}).get_json()["data"]["id"]

    def patched(**body: Any) -> Any:
        return alice.patch(f"/api/v1/sessions/{chat}", json=body).get_json()["data"]

    assert patched(project_id=project)["project_id"] == project
    assert patched(title="u")["project_id"] == project, "a new title moves nothing"
    assert (patched(project_id=None)["project_id"], patched()["title"]) == (None, "u")


def test_every_change_is_recorded_without_a_word_of_what_was_said(client_of: Client, owner: Any, world: Any) -> None:
    lee = client_of("lee")
    chat = begun(lee, "the secret canary sings")["session_id"]
    lee.put(f"/api/v1/sessions/{chat}/title", json={"title": "Birds"})
    lee.get(f"/api/v1/sessions/{chat}/export?format=md")
    lee.delete(f"/api/v1/sessions/{chat}")
    found = owner.execute(
        f"select action, to_jsonb(e)::text from {world.acme.schema}.audit_event e where actor_id = %s order by recorded_at, event_id",
        [world.lee.id],
    ).fetchall()
    about = [action for action, text in found if chat in text]
    assert about == ["chat.created", "message.sent", "chat.renamed", "chat.exported", "chat.deleted"]
    assert "canary" not in "".join(text for action, text in found if action != "chat.renamed")


@pytest.mark.parametrize("name", ["carol", "petra"])
def test_those_who_do_not_chat_are_led_to_their_own_page(name: str, client_of: Client) -> None:
    somebody = client_of(name)
    answer = somebody.get("/")
    assert answer.status_code == 302 and answer.headers["Location"] in ("/audit/", "/platform/")
    assert somebody.post("/api/v1/chat", json={"text": "hello"}).status_code == 403
    assert somebody.get("/api/v1/sessions").status_code == 403


def test_bad_bodies_are_refused(app: Flask, client_of: Client) -> None:
    alice = client_of("alice")
    for body in ({}, {"text": ""}, {"text": " "}, {"text": 5}, {"text": "x" * 100_001}, {"text": "a\0"}):
        assert alice.post("/api/v1/chat", json=body).status_code == 422, body
    for raw in (b"{", b"\xff\xfe", b"[]", b'"x"', b'{"text": NaN}'):
        answer = alice.post("/api/v1/chat", data=raw, content_type="application/json")
        assert answer.status_code in (400, 422) and answer.get_json()["error"]["request_id"]
    assert (
        alice.post("/api/v1/chat", json={"text": "x", "project": {"name": "a"}, "project_id": str(uuid4())}).status_code
        == 422
    )
    for title in ("", "  ", "x" * 201, None, 5):
        chat = begun(alice)["session_id"]
        assert alice.put(f"/api/v1/sessions/{chat}/title", json={"title": title}).status_code == 422


def test_an_active_chat_is_cached_and_the_cache_bounded(app: Flask, client_of: Client, world: Any) -> None:
    cleo = client_of("cleo")
    state = app.extensions["onyx"]
    most, state.settings = state.settings, state.settings.model_copy(update={"session_max_sessions": 2})
    try:
        chats = [begun(cleo)["session_id"] for _ in range(3)]
        for chat in chats:
            assert cleo.post(f"/api/sessions/{chat}/load").status_code == 200
    finally:
        state.settings = most
    client = state.store.client
    kept = [client.get(f"t:{world.acme.id}:session:{chat}") for chat in chats]
    assert kept[0] is None and json.loads(kept[2])["user"] == str(world.cleo.id)
    assert 0 < client.ttl(f"t:{world.acme.id}:session:{chats[2]}") <= 3600
    client.delete(f"t:{world.acme.id}:session:{chats[2]}")
    assert settled(cleo, chats[2], cleo.get(f"/api/v1/sessions/{chats[2]}/messages").get_json()["data"][1]["id"])
