"""Migrating all tenants: several workers, each tenant for itself, every script of a tenant one transaction (T11).

A tenant whose script does not apply is written down with PostgreSQL's reason and keeps no other from going on. Killed
at any point and run again, the rest is done: a script and its line in the ledger are one transaction.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue

import psycopg
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, LockNotAvailable

from onyx.core.db import said

from . import ledger, nodes
from .context import schema_of
from .ledger import Behind
from .scripts import Script, scripts

Told = Callable[[Behind, str | None], None]
WORKERS = 2
TRIES = 3
# A backend keeps what it learned of each schema (1 MB and more): it is let go after so many.
_TENANTS_PER_CONNECTION = 100
# Whoever waits for a table lets everybody else wait behind it: rather try again than stand in the door.
_PATIENCE = "4s"


def migrate_tenants(owner_url: str, todo: list[Behind], workers: int, told: Told) -> dict[str, str]:
    """Apply what each tenant lacks; `told` hears of each as it is done. Returns slug → reason of those that failed.

    Raises psycopg.OperationalError when PostgreSQL goes away: nothing is lost, run again.
    """
    waiting, done = deque(todo), SimpleQueue[tuple[Behind, str | None] | None]()
    failed = {}
    with ThreadPoolExecutor(workers, "migrate") as pool:
        running = [pool.submit(_work, owner_url, waiting, done) for _ in range(workers)]
        for _ in running:
            while (one := done.get()) is not None:
                told(*one)
                if one[1]:
                    failed[one[0].slug] = one[1]
    for worker in running:
        worker.result()
    return failed


def _work(owner_url: str, waiting: "deque[Behind]", done: "SimpleQueue[tuple[Behind, str | None] | None]") -> None:
    """One worker: its own connections, the next tenant until there is none."""
    try:
        with _Connections(owner_url) as connections:
            for behind in _next(waiting):
                done.put((behind, _migrate(connections, behind)))
    except BaseException:
        waiting.clear()  # PostgreSQL is away: the others need not try
        raise
    finally:
        done.put(None)


def _next(waiting: "deque[Behind]") -> Iterator[Behind]:
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return


class _Connections:
    """One worker's connections, by node; each is replaced after a number of tenants."""

    def __init__(self, owner_url: str) -> None:
        self._owner_url = owner_url
        self._open: dict[str, tuple[psycopg.Connection, int]] = {}

    def __enter__(self) -> "_Connections":
        return self

    def __exit__(self, *_: object) -> None:
        for connection, _served in self._open.values():
            connection.close()

    def to(self, node: str) -> psycopg.Connection:
        """A connection to a node. Raises UnknownNode, psycopg.OperationalError."""
        connection, served = self._open.get(node, (None, 0))
        if connection is None or connection.closed or served >= _TENANTS_PER_CONNECTION:
            if connection is not None:
                connection.close()
            connection, served = psycopg.connect(nodes.owner_of(node, self._owner_url), autocommit=True), 0
            connection.execute(f"set lock_timeout = '{_PATIENCE}'".encode())
        self._open[node] = connection, served + 1
        return connection


def _migrate(connections: _Connections, behind: Behind) -> str | None:
    """Bring one tenant to this version; why it could not be, or None."""
    main = connections.to(nodes.MAIN)
    by_number = {script.version: script for script in scripts("tenant")}
    for number in behind.missing:
        script = by_number[number]
        try:
            home = main if behind.node == nodes.MAIN else connections.to(behind.node)
            _apply(home, behind, script)
        except (psycopg.Error, nodes.UnknownNode) as error:
            if main.closed:
                raise
            why = said(error) if isinstance(error, psycopg.Error) else str(error)
            with suppress(ForeignKeyViolation):  # deleted meanwhile: nobody's ledger
                main.execute(ledger.line(behind.id, script, why).encode())
            return f"{script.version:04} {script.name}: {why}"
        if home is not main:
            main.execute(ledger.line(behind.id, script).encode())
    return None


def _apply(home: psycopg.Connection, behind: Behind, script: Script) -> None:
    """A script and its line: one round trip, one transaction. Raises psycopg.Error."""
    if behind.node != nodes.MAIN and _is_there(home, behind, script):
        return
    path = f"set local search_path = {schema_of(behind.id)}, public;"
    text = script.render(behind.id.hex, nodes.is_citus(home) if behind.node != nodes.MAIN else False)
    whole = "\n".join([path, text, ";", ledger.line(behind.id, script)]).encode()
    for attempt in range(1, TRIES + 1):
        try:
            home.execute(whole)
            return
        except (LockNotAvailable, DeadlockDetected):
            if attempt == TRIES:
                raise


def _is_there(home: psycopg.Connection, behind: Behind, script: Script) -> bool:
    """Whether another node has applied a script already: killed before `main` heard of it."""
    found = home.execute(
        "select 1 from onyx.tenant_migration where tenant_id = %s and version = %s and state = 'applied'",
        [behind.id, script.version],
    ).fetchone()
    return found is not None
