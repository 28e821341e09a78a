"""Tells watching auditors that events were recorded: `audit:event {count}` on /live, at most once a second a tenant.

A commit only counts in memory; one thread sends what was counted, so that no request pays for a publish.
"""

import threading
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import structlog
from flask import Flask

from onyx.core import outbox

from .live import push
from .store import Away

_log = structlog.get_logger()
_counted: Counter[UUID] = Counter()
_lock = threading.Lock()
_watchers: list[Callable[[UUID, list[tuple[str, str]]], None]] = []


def audit_room(tenant: UUID) -> str:
    return f"t:{tenant}:audit"


@outbox.carrier("events.recorded")
def count(tenant: UUID, events: list[tuple[str, str]]) -> None:
    """Count events that have just been committed: each an action and the id of what it was about."""
    with _lock:
        _counted[tenant] += len(events)
    for watcher in _watchers:
        watcher(tenant, events)


def watch(watcher: Callable[[UUID, list[tuple[str, str]]], None]) -> None:
    """Have a function told of every tenant's events after their commit, in the process that wrote them."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def start(app: Flask, every: float = 1.0) -> None:
    """Send in the background."""

    def run() -> None:
        pause = threading.Event()
        while not pause.wait(every):
            try:
                with app.app_context():
                    send()
            except Away:
                _log.warning("auditors not told: redis is away")
            except Exception:
                _log.exception("auditors not told")

    threading.Thread(target=run, daemon=True, name="new-events").start()


def send() -> None:
    """Send what was counted since the last time."""
    with _lock:
        waiting = dict(_counted)
        _counted.clear()
    for tenant, events in waiting.items():
        push(audit_room(tenant), "audit:event", {"count": events}, namespace="/live")
