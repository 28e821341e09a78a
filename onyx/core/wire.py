"""The connection to PostgreSQL with as few round trips as isolation allows: two less for each transaction.

BEGIN travels together with the statement that tells who asks, COMMIT together with the reset that leaves nothing for
the connection's next user. Each round trip costs a serving process about 0.1 ms.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.waiting import Wait
from sqlalchemy import Connection

_CLEAN = b"reset role;reset all;deallocate all;close all;unlisten *;select pg_advisory_unlock_all()"
_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.PIPELINE_SYNC)


class ExtendedCursor(psycopg.Cursor[Any]):
    """Sends every statement by the extended protocol, which refuses two statements in one string."""

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)


class Wire(psycopg.Connection[Any]):
    """A psycopg connection that knows whether something may have been left behind on it."""

    clean = False

    def begin(self, statement: bytes, values: Sequence[bytes]) -> None:
        """BEGIN and one statement with bound values, in one round trip. Raises psycopg.Error."""
        self.clean = False
        self.wait(self._begin(statement, values))

    def commit(self) -> None:
        """COMMIT, and then nothing is left behind. Raises psycopg.Error when nothing was committed."""
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        committed = self._run(b"commit;" + _CLEAN)[0]
        self.clean = True
        if committed.command_status != b"COMMIT":  # PostgreSQL says so without an error when a statement had failed
            raise errors.InFailedSqlTransaction("a statement had failed: the transaction was rolled back")

    def clear(self) -> None:
        """Roll back what is open and leave nothing behind: role, settings, statements, cursors, channels, locks."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            self.rollback()
        if not self.clean:
            self._run(_CLEAN)
            self.clean = True

    def _start_query(self) -> Any:
        """Every kind of statement passes here before it is sent: cursors, server-side cursors, COPY."""
        self.clean = False
        return super()._start_query()

    def _run(self, statements: bytes) -> list[Any]:
        """Statements of our own, none of them with anything from outside, by the simple protocol: their results."""
        self._check_connection_ok()
        self.pgconn.send_query(statements)
        results = self.wait(generators.execute(self.pgconn))
        _must_be_good(results)
        return results

    def _begin(self, statement: bytes, values: Sequence[bytes]) -> Any:
        self._check_connection_ok()
        wire = self.pgconn
        wire.enter_pipeline_mode()
        wire.send_query_params(b"begin", None)
        wire.send_query_params(statement, values)
        wire.pipeline_sync()
        yield from generators.send(wire)
        found: list[Any] = []
        while not found or found[-1].status != ExecStatus.PIPELINE_SYNC:
            yield Wait.R
            wire.consume_input()
            found.extend(_arrived(wire))
        wire.exit_pipeline_mode()
        _must_be_good(found)


def _arrived(wire: Any) -> Iterator[Any]:
    while not wire.is_busy():
        result = wire.get_result()
        if result is not None:
            yield result
            if result.status == ExecStatus.PIPELINE_SYNC:
                return


def _must_be_good(results: Sequence[Any]) -> None:
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
        if result.status not in _GOOD:
            raise psycopg.InterfaceError(f"unexpected answer {ExecStatus(result.status).name}")


def begin(connection: Connection, statement: bytes, *values: bytes) -> None:
    """Begin SQLAlchemy's transaction on the wire, together with one statement. Raises DBAPIError."""
    wire: Any = connection.connection.dbapi_connection
    if wire.pgconn.transaction_status != TransactionStatus.IDLE:  # a savepoint: the transaction knows already
        return
    try:
        wire.begin(statement, values)
    except psycopg.Error as error:
        connection._handle_dbapi_exception(error, None, None, None, None)  # SQLAlchemy's own care for a lost server
