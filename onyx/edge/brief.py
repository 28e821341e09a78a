"""What PostgreSQL said of tokens within the last half second: kept while Redis is away, so that it is not asked for all.

Half a second is as often as a process then looks for revocations; its own notices empty this at once (S5, S6).
"""

import time
from typing import Any

LIFE = 0.5
MOST = 20_000


class Brief:
    """By token digest: the session's entry and the person's, each for LIFE seconds from before it was read."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[float, str, dict[str, Any]]] = {}

    def get(self, digest: bytes) -> tuple[str, dict[str, Any]] | None:
        found = self._kept.get(digest)
        if found is None or time.monotonic() - found[0] > LIFE:
            return None
        return found[1], found[2]

    def keep(self, digest: bytes, began: float, entry: str, person: dict[str, Any]) -> None:
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[digest] = (began, entry, person)

    def forget(self) -> None:
        self._kept.clear()
