"""The access log's first half (A3): one line in this process's own spool file when a request or event is done.

A line survives kill -9 and a lost Redis. A background thread drains the spools, also those of dead processes, into
each tenant's access_entry; entries carry their id, so that draining a file twice writes nothing twice.
"""

import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psutil
import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import unit_of_work
from onyx.core.errors import Unavailable
from onyx.core.ids import uuid7
from onyx.core.scope import tenant_scope

_log = structlog.get_logger()
_BATCH = 500


class AccessLog:
    """One process's spool; `write` is a single write(2) to a file opened for appending."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._stopped = threading.Event()
        self.watchers: list[Callable[[UUID, int, float], None]] = []

    def write(self, actor: Actor, kind: str, object: str, status: int, duration: float) -> None:
        """Append one entry; `duration` is in seconds, `status` an HTTP status (200 for an accepted event)."""
        request = actor.request
        entry = {
            "occurred_at": rfc3339(now()),
            "id": uuid7().hex,
            "user_id": actor.user_id.hex if actor.user_id else None,
            "session_id": actor.session_id.hex if actor.session_id else None,
            "kind": kind,
            "method": request.method,
            "route": request.route,
            "object": object[:200],
            "status": status,
            "duration_us": int(duration * 1e6),
            "ip": request.ip,
            "user_agent": request.user_agent[:300],
            "request_id": request.id,
        }
        line = f"{actor.tenant_id.hex}\t{json.dumps(entry, separators=(',', ':'))}\n"
        with self._lock:
            if self._file is None:
                self._path = self._folder / f"access-{os.getpid()}-{time.time_ns()}.log"
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(self._file, line.encode())
        for watcher in self.watchers:
            watcher(actor.tenant_id, status, duration)

    def start(self, app: Flask, every: float = 1.0) -> None:
        """Drain in the background until stop()."""

        def run() -> None:
            while not self._stopped.wait(every):
                try:
                    with app.app_context():
                        self.drain()
                except Exception:
                    _log.exception("access log not drained")

        threading.Thread(target=run, daemon=True, name="access-log").start()

    def stop(self) -> None:
        self._stopped.set()

    def drain(self) -> int:
        """Move every finished spool into the database; returns how many entries went. Needs an app context."""
        self._turn_page()
        moved = 0
        for path in sorted(self._folder.glob("access-*.log")):
            if path != self._path and (_is_mine(path) or not _writer_lives(path)):
                moved += self._drain_file(path)
        return moved

    def _turn_page(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = self._path = None

    def _drain_file(self, path: Path) -> int:
        lines: dict[str, list[str]] = defaultdict(list)
        try:
            text = path.read_text(errors="replace")
        except FileNotFoundError:  # another process took over the same dead one's spool
            return 0
        for line in text.splitlines():
            tenant, _, entry = line.partition("\t")
            if entry.endswith("}"):  # a line cut short by kill -9 was never a finished request
                lines[tenant].append(entry)
        try:
            for tenant, entries in lines.items():
                for first in range(0, len(entries), _BATCH):
                    _insert(UUID(tenant), entries[first : first + _BATCH])
        except (SQLAlchemyError, Unavailable) as error:
            _log.warning("access log waits on disk", file=path.name, error=str(error)[:200])
            return 0
        path.unlink(missing_ok=True)
        return sum(map(len, lines.values()))


def _insert(tenant: UUID, entries: list[str]) -> None:
    with tenant_scope(tenant, "job:access_log"), unit_of_work() as session:
        session.connection().exec_driver_sql("select access_append(%s::jsonb)", (f"[{','.join(entries)}]",))


def _is_mine(path: Path) -> bool:
    return path.name.split("-")[1] == str(os.getpid())


def _writer_lives(path: Path) -> bool:
    """Whether the process that began the file still runs (its pid may have been given to a younger one)."""
    _, pid, began = path.stem.split("-")
    try:
        return psutil.Process(int(pid)).create_time() <= int(began) / 1e9
    except psutil.Error:
        return False
