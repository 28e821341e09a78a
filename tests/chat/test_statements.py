"""How many statements each thing takes, besides BEGIN, scope and COMMIT; the same for one row and for thirty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.chat.conftest import settled

Client = Callable[..., Any]


def test_reading_takes_one_or_two_whatever_the_length(client_of: Client, statements: Client) -> None:
    alice = client_of("alice")
    counts = []
    for more in (1, 29):
        for _ in range(more):
            alice.post("/api/v1/sessions", json={"title": "x"})
        chat = alice.get("/api/v1/sessions?limit=1").get_json()["data"][0]["id"]
        for _ in range(more if more == 1 else 14):
            alice.post("/chat", json={"text": "hello", "session_id": chat})
        found = {}
        for name, path in (
            ("list", "/api/v1/sessions"),
            ("seed list", "/api/sessions"),
            ("load", f"/api/v1/sessions/{chat}/messages"),
            ("who am I", "/api/v1/users/me"),
        ):
            with statements(mine=True) as sent:
                assert alice.get(path).status_code == 200
            found[name] = len(sent)
        counts.append(found)
    assert counts[0] == counts[1] == {"list": 1, "seed list": 1, "load": 2, "who am I": 0}


def test_creating_a_chat_with_a_message_takes_two_and_a_whole_turn_four(client_of: Client, statements: Client) -> None:
    alice = client_of("alice")
    alice.post("/chat", json={"text": "warm"})  # marks the tenant as due, once a minute
    with statements() as sent:
        turn = alice.post("/chat", json={"text": "What about the granite?", "client_id": str(uuid4())}).get_json()[
            "data"
        ]
    settled(alice, turn["session_id"], turn["reply_id"])
    stored = next(i for i, text in enumerate(sent) if "audit_append" in text) + 1
    assert stored <= 2, sent
    assert [text.split()[0] for text in sent] == ["with", "select", "with", "update"], sent


def test_creating_a_chat_takes_two(client_of: Client, statements: Client) -> None:
    alice = client_of("alice")
    alice.get("/api/v1/users/me")  # from now on the session is known without PostgreSQL
    with statements() as sent:
        alice.post("/api/v1/sessions", json={"title": "x"})
    assert len(sent) == 2, sent
