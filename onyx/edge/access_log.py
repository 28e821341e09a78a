"""The access log's first half (A3): one line in this process's own spool file when a request or event is done.

A line survives kill -9 and a lost Redis. A background thread drains the spools, also those of dead processes, into
each tenant's access_entry; entries carry their id, so that draining a file twice writes nothing twice.
"""

import json
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import rows, unit_of_work
from onyx.core.each import in_each
from onyx.core.errors import Unavailable
from onyx.core.ids import uuid7
from onyx.core.scope import tenant_scope
from onyx.core.wire import Call, Fixed

from .judging import is_deleted

_log = structlog.get_logger()
_BATCH = 500
_LONGEST_REST = 10.0


class AccessLog:
    """One process's spool; `write` is a single write(2) to a file opened for appending."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # addresses and programs of people lie here
        self._folder = folder
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._stopped = threading.Event()
        self.watchers: list[Callable[[UUID, int, float], None]] = []

    def write(self, actor: Actor, kind: str, object: str, status: int, duration: float, counted: bool = True) -> None:
        """Append one entry; `duration` is in seconds, `status` an HTTP status (200 for an accepted event).

        What is not an answer to anybody is not `counted` among the answers.
        """
        request = actor.request
        entry = {
            "occurred_at": rfc3339(now()),
            "id": uuid7().hex,
            "user_id": actor.user_id.hex if actor.user_id else None,
            "session_id": actor.session_id.hex if actor.session_id else None,
            "kind": kind,
            "method": request.method,
            "route": _storable(request.route),
            "object": _storable(object[:200]),
            "status": status,
            "duration_us": int(duration * 1e6),
            "ip": request.ip,
            "user_agent": _storable(request.user_agent[:300]),
            "request_id": request.id,
            **({"by_key": True} if actor.kind == "api_key" else {}),
        }
        line = f"{actor.tenant_id.hex}\t{json.dumps(entry, separators=(',', ':'))}\n"
        with self._lock:
            if self._file is None:
                self._path = self._folder / f"access-{os.getpid()}-{time.time_ns()}.log"
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            _write_whole(self._file, line.encode())
        for watcher in self.watchers if counted else ():
            watcher(actor.tenant_id, status, duration)

    def start(self, app: Flask, every: float = 1.0) -> None:
        """Drain in the background until stop(), each second while that is little work.

        Every tenant's lines are a transaction: where many tenants come, fewer with more lines each cost less.
        """

        def run() -> None:
            pause = every
            while not self._stopped.wait(pause):
                began = time.monotonic()
                try:
                    with app.app_context():
                        self.drain()
                except Exception:
                    _log.exception("access log not drained")
                pause = rest_after(time.monotonic() - began, every)

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
        try:
            lines = _lines_of(path)
        except FileNotFoundError:  # another process took over the same dead one's spool
            return 0
        done = _append_to_each({tenant: entries for tenant, entries in lines.items() if len(entries) <= _BATCH})
        moved, left = sum(len(lines.pop(tenant)) for tenant in done), []
        for tenant, entries in lines.items():  # the long ones, and those that something stopped
            for first in range(0, len(entries), _BATCH):
                batch = entries[first : first + _BATCH]
                try:
                    moved += self._insert(tenant, batch)
                except (SQLAlchemyError, Unavailable) as error:
                    _log.warning("access log waits on disk", file=path.name, error=type(error).__name__)
                    left += [f"{tenant}\t{entry}\n" for entry in batch]
        if left:
            self._keep(path, left)
        else:
            path.unlink(missing_ok=True)
        return moved

    def _insert(self, tenant: str, entries: list[str]) -> int:
        """Write entries; one that can never be written is put aside, so that it does not keep the others (F42)."""
        try:
            _append(UUID(tenant), entries)
        except (ValueError, LookupError):
            return self._put_aside(tenant, entries)
        except DBAPIError as error:
            if isinstance(error, OperationalError) or getattr(error.orig, "sqlstate", None) in _PASSING:
                raise
            if is_deleted(UUID(tenant)):
                return 0  # nothing of a deleted tenant is kept
            if len(entries) == 1:
                return self._put_aside(tenant, entries)
            half = len(entries) // 2
            return self._insert(tenant, entries[:half]) + self._insert(tenant, entries[half:])
        return len(entries)

    def _put_aside(self, tenant: str, entries: list[str]) -> int:
        """Keep what the database refuses in a file for people to look at."""
        _log.error("access log: entries refused", tenant=tenant[:40], entries=len(entries))
        with (self._folder / "refused-access.log").open("a") as file:
            file.writelines(f"{tenant}\t{entry}\n" for entry in entries)
        return 0

    def _keep(self, path: Path, lines: list[str]) -> None:
        """Leave in a spool only what still waits; the old content stays until the new one is whole."""
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text("".join(lines))
        fresh.replace(path)


_BY_KEY = '"by_key":true'
_APPEND = Fixed("select access_append(%s::jsonb)")
# What an organisation's daily quota of calls begins from when Redis has lost its count.
_COUNT = Fixed("""
insert into usage_day (user_id, day, metric, used) values (%s, %s, 'api_calls', %s)
on conflict (user_id, day, metric) do update set used = usage_day.used + excluded.used
""")
# What passes: a partition that is about to be made, a context that ran out meanwhile.
_PASSING = ("23514", "42501")


def rest_after(took: float, least: float) -> float:
    """Seconds until the next drain: draining takes a tenth of the time, unless lines would wait for too long."""
    return min(max(least, 9 * took), _LONGEST_REST)


def _lines_of(path: Path) -> dict[str, list[str]]:
    """Whole lines by tenant; one cut short by kill -9 was never a finished request."""
    lines: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(errors="replace").split("\n"):
        tenant, _, entry = line.partition("\t")
        if entry.startswith("{") and entry.endswith("}"):
            lines[tenant].append(entry)
    return lines


def _append_to_each(lines: dict[str, list[str]]) -> list[str]:
    """Write each tenant's entries, in as few round trips as may be; those whose were written."""
    work: dict[UUID, list[Call]] = {}
    for tenant, entries in lines.items():
        with suppress(ValueError, LookupError):  # whoever tries it alone puts it aside
            work[UUID(tenant)] = _calls_for(entries)
    done = in_each("job:access_log", work)
    return [tenant.hex for tenant in done if tenant.hex in lines]


def _append(tenant: UUID, entries: list[str]) -> None:
    with tenant_scope(tenant, "job:access_log"), unit_of_work() as session:
        for statement, values in _calls_for(entries):
            rows(session, statement, *values)


def _calls_for(entries: list[str]) -> list[Call]:
    """What writes entries of one tenant. Raises ValueError or LookupError for one that is none."""
    calls = Counter((line["user_id"], line["occurred_at"][:10]) for line in _by_key(entries))
    counted = sorted(calls.items())  # one order for all processes: no deadlocks
    return [(_APPEND, (f"[{','.join(entries)}]",)), *((_COUNT, (user, day, made)) for (user, day), made in counted)]


def _by_key(entries: list[str]) -> Iterator[dict[str, Any]]:
    """Those made with an API key."""
    return (json.loads(entry) for entry in entries if _BY_KEY in entry)


def _storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL and lone surrogates."""
    return text if text.isprintable() else text.replace("\0", "").encode(errors="replace").decode()


def _write_whole(file: int, line: bytes) -> None:
    """One write(2) as a rule; a disk that is full must neither fail the request nor glue two lines together."""
    try:
        written = os.write(file, line)
        while written < len(line):
            line = line[written:]
            written = os.write(file, line)
    except OSError as error:
        _log.error("access log not written", error=str(error), lost=len(line))


def _is_mine(path: Path) -> bool:
    return path.name.split("-")[1] == str(os.getpid())


def _writer_lives(path: Path) -> bool:
    """Whether the process that began the file still runs (its pid may have been given to a younger one)."""
    _, pid, began = path.stem.split("-")
    try:
        return psutil.Process(int(pid)).create_time() <= int(began) / 1e9
    except psutil.Error:
        return False
