"""What is asked and what comes back, whoever answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Question:
    """A stored question; its own message is never a source of its answer. `first`: nothing stands before it in its chat."""

    name: str
    chat_id: UUID
    message_id: UUID
    text: str
    first: bool = False


@dataclass(slots=True)
class Answer:
    """An honest label, the model's name, citations `{n, kind, id, title, excerpt}`, and the text in pieces."""

    label: str
    model: str
    pieces: Iterator[str]
    citations: list[dict[str, Any]] = field(default_factory=list)


class Failed(Exception):
    """No answer, or not all of it; `message` is for the person who asked, `status` what the service answered with."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
