"""Search: own titles, messages and files, ranked, marked, never another person's, never HTML."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

Client = Callable[..., Any]


@pytest.fixture
def alice(client_of: Client) -> Any:
    return client_of("alice")


def hits(client: Any, q: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/search", query_string={"q": q})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def test_titles_messages_and_files_are_found_with_marks(alice: Any) -> None:
    chat = alice.post("/api/v1/sessions", json={"title": "Zirconium purchase"}).get_json()["data"]["id"]
    turn = alice.post("/chat", json={"text": "We need <b>zirconium</b> by «Monday»", "session_id": chat}).get_json()[
        "data"
    ]
    alice.post("/api/v1/files", data={"file": (io.BytesIO(b"Price of zirconium: 40 per kg"), "prices.csv")})
    found = {hit["kind"]: hit for hit in hits(alice, "zircon") if hit["id"] != turn["reply_id"]}
    assert set(found) == {"chat", "message", "file"}
    assert found["message"]["excerpt"] == "We need <b>«zirconium»</b> by ‹Monday›"
    assert found["chat"]["session_id"] == found["message"]["session_id"] == chat
    assert found["file"]["title"] == "prices.csv" and "«zirconium»" in found["file"]["excerpt"]


def test_nobody_else_finds_it(alice: Any, client_of: Client) -> None:
    alice.post("/chat", json={"text": "the unobtainium canary"})
    assert hits(alice, "unobtainium")
    for name in ("bob", "mallory", "dana"):
        assert hits(client_of(name), "unobtainium") == []
    assert client_of("carol").get("/api/v1/search?q=unobtainium").status_code == 403


def test_every_word_must_be_there_and_what_is_deleted_is_not(alice: Any) -> None:
    turn = alice.post("/chat", json={"text": "basalt and marble"}).get_json()["data"]
    assert any(hit["id"] == turn["message_id"] for hit in hits(alice, "marb basalt"))
    assert hits(alice, "basalt sandstone") == []
    alice.delete(f"/api/v1/sessions/{turn['session_id']}")
    assert hits(alice, "basalt") == []


@pytest.mark.parametrize("q", ["", " ", "'", "& | !", "':*", "%", "(((", "a" * 400, "🙂", "\\"])
def test_strange_words_find_nothing_and_break_nothing(q: str, alice: Any) -> None:
    hits(alice, q)


def test_too_much_is_refused(alice: Any) -> None:
    assert alice.get("/api/v1/search", query_string={"q": "a" * 401}).status_code == 422
    assert alice.get("/api/v1/search?q=a&limit=1000").status_code == 422
