"""What this process has counted since its last flush, by tenant. A request pays for a few additions."""

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from uuid import UUID

from onyx.audit.actions import Action

# Upper bounds of the latency classes, in milliseconds; the last class is open.
BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_NAMES = {
    Action.ACCESS_DENIED.value: "denied",
    Action.MESSAGE_SENT.value: "messages",
    Action.SESSION_CREATED.value: "logins",
    Action.SIGN_IN_BLOCKED.value: "failures",
    Action.SIGN_IN_FAILED.value: "failures",
}
_counted: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
_lock = threading.Lock()


def answered(tenant: UUID, status: int, duration: float) -> None:
    """Count one answered request or socket event; `duration` in seconds."""
    with _lock:
        mine = _counted[tenant]
        mine["requests"] += 1
        mine[f"b{bisect_left(BOUNDS, duration * 1000)}"] += 1
        if status >= 500:
            mine["errors"] += 1


def happened(tenant: UUID, events: list[tuple[str, str]]) -> None:
    """Count events of the trail that the numbers are about."""
    names = [_NAMES[action] for action, _ in events if action in _NAMES]
    if names:
        with _lock:
            _counted[tenant].update(names)


def taken() -> dict[UUID, Counter[str]]:
    """All that was counted, leaving nothing."""
    with _lock:
        found = dict(_counted)
        _counted.clear()
    return found


def percentile(classes: dict[str, int], part: float) -> float | None:
    """The latency in ms that `part` of the answers kept: the upper bound of the class in which it lies."""
    counts = [classes.get(f"b{index}", 0) for index in range(len(BOUNDS) + 1)]
    wanted, seen = part * sum(counts), 0
    if not wanted:
        return None
    for index, count in enumerate(counts):
        seen += count
        if seen >= wanted:
            return float(BOUNDS[min(index, len(BOUNDS) - 1)])
    return None
