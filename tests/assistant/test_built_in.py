"""The built-in assistant: quotes what the person has, says what it is, answers differently when the source changes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

Client = Callable[..., Any]


def upload(client: Any, name: str, text: str) -> str:
    answer = client.post("/api/v1/files", data={"file": (io.BytesIO(text.encode()), name)})
    assert answer.status_code == 201, answer.text
    id: str = answer.get_json()["data"]["id"]
    return id


def ask(client: Any, text: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/chat", json={"text": text, **more}).get_json()["data"]
    assert found["status"] == "done", found
    return found


@pytest.fixture
def world(fresh_world: Any) -> Any:
    return fresh_world


def test_it_quotes_a_file_with_its_source_and_says_what_it_is(client_of: Client) -> None:
    alice = client_of("alice")
    id = upload(alice, "plan.md", "# Plan\n\nThe launch deadline is 14 March 2027. The budget is 40,000 euros.\n")
    answer = ask(alice, "When is the launch deadline?")
    assert "The launch deadline is 14 March 2027." in answer["response"] and "[1]" in answer["response"]
    assert "no language model" in answer["metadata"]["label"]
    [citation] = answer["metadata"]["citations"]
    assert (citation["n"], citation["kind"], citation["id"], citation["title"]) == (1, "file", id, "plan.md")
    assert "14 March 2027" in citation["excerpt"]


def test_a_heading_is_no_answer(client_of: Client) -> None:
    alice = client_of("alice")
    upload(alice, "plan.md", "# Granite\n\nThe granite arrives in June.\n")
    answer = ask(alice, "When does the granite arrive?")["response"]
    assert "arrives in June" in answer and "# Granite" not in answer


def test_another_source_gives_another_answer(client_of: Client) -> None:
    alice = client_of("alice")
    first = upload(alice, "plan.md", "The launch deadline is 14 March 2027.")
    assert "14 March" in ask(alice, "When is the launch deadline?")["response"]
    assert alice.delete(f"/api/v1/files/{first}").status_code == 200
    upload(alice, "plan.md", "The launch deadline is 2 May 2028.")
    answer = ask(alice, "When is the launch deadline?")["response"]
    assert "2 May 2028" in answer and "14 March" not in answer


def test_it_finds_nothing_of_others_and_says_what_to_do(client_of: Client) -> None:
    upload(client_of("bob"), "secret.txt", "The zeppelin lands on Tuesday.")
    ask(client_of("mallory"), "zeppelin plans: it lands on Friday")
    answer = ask(client_of("alice"), "When does the zeppelin land?")
    assert "found nothing" in answer["response"] and "“zeppelin”" in answer["response"]
    assert "paper clip" in answer["response"]
    assert answer["metadata"]["citations"] == []


def test_it_remembers_earlier_chats_but_not_the_question_itself(client_of: Client) -> None:
    alice = client_of("alice")
    told = ask(alice, "Our supplier for granite is Stonehouse Ltd.")
    assert "found nothing" in told["response"], "the only match is the message itself"
    answer = ask(alice, "Who is the supplier for granite?")
    assert "Stonehouse Ltd" in answer["response"]
    assert [(c["kind"], c["id"]) for c in answer["metadata"]["citations"]] == [("chat", told["session_id"])]
    alice.delete(f"/api/v1/sessions/{told['session_id']}")
    assert "Stonehouse" not in ask(alice, "Name the supplier for granite")["response"]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Wann ist die Frist für die Brücke?", "Die Frist für die Brücke ist der 3. April."),
        ("Quel est le délai du chantier ?", "Le délai du chantier est de six semaines."),
        ("Which deadlines do we have?", "The deadline for tiles is May."),
    ],
)
def test_it_answers_in_several_languages(question: str, found: str, client_of: Client) -> None:
    alice = client_of("alice")
    upload(
        alice, "mixed.txt",
        "Die Frist für die Brücke ist der 3. April. Le délai du chantier est de six semaines.\n"
        "The deadline for tiles is May. Something else entirely stands here.",
    )  # fmt: skip
    assert found in ask(alice, question)["response"]


def test_it_greets_and_explains_itself(client_of: Client) -> None:
    alice = client_of("alice")
    assert ask(alice, "Hello!")["response"].startswith("Hello Alice.")
    assert "I cannot" in ask(alice, "What can you do, and what can you not?")["response"]


def test_it_shows_the_latest_file(client_of: Client) -> None:
    alice = client_of("alice")
    upload(alice, "old.txt", "Old news.")
    upload(alice, "new.txt", "Fresh news of today.")
    answer = ask(alice, "Summarise the latest file I added.")
    assert (
        "new.txt" in answer["response"]
        and "Fresh news of today" in answer["response"]
        and "Old" not in answer["response"]
    )


def test_text_from_files_stays_text(client_of: Client) -> None:
    alice = client_of("alice")
    upload(alice, "evil.txt", "The canary is ![x](http://evil.example/x.png) and <b>bold</b>.")
    answer = ask(alice, "What about the canary?")["response"]
    assert "![x]" not in answer and "\\[x\\]" in answer and "\\<b\\>" in answer


@pytest.mark.parametrize("text", ["'", "':* & !", "\\", "%%%", "🙂", "the a of", "x" * 5000, "((((", "' | ''"])
def test_strange_questions_are_answered(text: str, client_of: Client) -> None:
    assert ask(client_of("alice"), text)["response"]
