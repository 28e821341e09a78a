"""Reads and writes: CPU for each operation of Onyx and of the floor, in alternation."""

from dataclasses import dataclass
from typing import Any

from .load import Seen, median, request, run
from .place import CHATS, MESSAGES, Place
from .report import Row, table

ROUNDS, COUNT, WARM = 5, 150, 60


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do: who does it, the request for Onyx and for the floor, and the limits of both ratios."""

    name: str
    who: str
    method: str
    path: str
    floor_path: str
    limit: float
    database_limit: float
    body: Any = None


def operations(place: Place) -> list[Operation]:
    messages = f"/api/v1/sessions/{place.chat}/messages?limit={MESSAGES}&offset=0"
    text = {"text": "What did the administrator change yesterday, and who has read about it since?"}
    chats, people, create = "/api/v1/sessions", "/api/v1/users?limit=50", "/bench/chats"
    return [
        Operation("who am I", "alice", "GET", "/api/v1/users/me", "/api/v1/users/me", 1.3, 1.6),
        Operation(f"50 of {CHATS} chats", "alice", "GET", f"{chats}?limit=50", f"{chats}?limit=50", 1.5, 1.6),
        Operation(f"a chat with {MESSAGES} messages", "alice", "GET", messages, messages, 1.3, 1.6),
        Operation("page of 50 people", "dana", "GET", people, people, 1.5, 1.6),
        Operation("create chat + message", "bob", "POST", create, chats, 2.0, 2.0, text),
    ]


def measure(place: Place) -> str:
    """The table of reads and writes."""
    with place.onyx() as onyx, place.floor() as floor:
        bare = place.floor_token()
        tokens = {name: place.token(name, onyx) for name in ("alice", "bob", "dana")}
        lines = []
        for operation in operations(place):
            ours = request(operation.method, operation.path, tokens[operation.who], operation.body)
            theirs = request(operation.method, operation.floor_path, bare, operation.body)
            pairs = []
            for number in range(ROUNDS + 1):
                count = COUNT if number else WARM
                pair = run(place, onyx, "onyx_app", [ours], count), run(place, floor, "floor", [theirs], count)
                pairs.append(pair)
            lines.append(_row(operation, pairs[1:]))
    head = ["operation", "server ms", "floor", "ratio", "PostgreSQL ms", "floor", "ratio", "per second", "floor"]
    return table("Reads and writes", head, lines)


def _row(operation: Operation, pairs: list[tuple[Seen, Seen]]) -> Row:
    server = median([ours.server / theirs.server for ours, theirs in pairs])
    database = median([ours.database / theirs.database for ours, theirs in pairs])
    return [
        operation.name,
        f"{median([ours.server for ours, _ in pairs]):.2f}",
        f"{median([theirs.server for _, theirs in pairs]):.2f}",
        (server, operation.limit, "×"),
        f"{median([ours.database for ours, _ in pairs]):.2f}",
        f"{median([theirs.database for _, theirs in pairs]):.2f}",
        (database, operation.database_limit, "×"),
        f"{median([ours.rate for ours, _ in pairs]):.0f}",
        f"{median([theirs.rate for _, theirs in pairs]):.0f}",
    ]
