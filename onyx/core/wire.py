"""The connection to PostgreSQL with as few round trips and plans as isolation allows.

BEGIN and the statement that tells who asks travel with the first statement, COMMIT with the reset that leaves nothing
for the connection's next user. Each round trip costs a serving process about 0.1 ms.

A `Fixed` statement stands in the source and is sent as it is, so nothing that somebody injected can be in it. Such
statements are prepared on the server, for each tenant by itself, as long as nothing else has run on the connection;
once anything else has, they are sent unprepared until the reset has removed whatever that may have left or replaced.
"""

from collections import namedtuple
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection

from .answers import answers, must_be_good, rows_committed
from .fixed import Fixed, Later, Message, as_text

_CLEAN = b"reset role;reset all;deallocate all;close all;unlisten *;select pg_advisory_unlock_all()"
MOST_PREPARED = 160  # 20 to 60 KB of a backend's memory each


Call = tuple[Fixed, Sequence[Any]]  # with its values
_Key = tuple[bytes, Fixed]  # the tenant for which a statement is prepared, and the statement


class ExtendedCursor(psycopg.Cursor[Any]):
    """Sends every statement by the extended protocol, which refuses two statements in one string."""

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)


class Wire(psycopg.Connection[Any]):
    """A psycopg connection that knows whether something may have been left behind on it."""

    may_prepare = True
    clean = False  # nothing but fixed statements has run since the last reset
    _opening: Message | None = None
    _tenant = b""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._kept: dict[_Key, bytes] = {}
        self._numbers = count(1)  # no name is used twice
        self._waiting: list[tuple[Message, ...]] = []
        self._later: list[Later] = []

    def begin(self, tell: Fixed, values: Sequence[bytes], tenant: bytes) -> None:
        """Have BEGIN, and one statement that tells who asks, precede the next statement."""
        self._opening = Message(b"", tell, values)
        self._tenant = tenant

    @property
    def begun(self) -> bool:
        """Whether a transaction is open, or will be with the next statement."""
        return self._opening is not None or self.pgconn.transaction_status != TransactionStatus.IDLE

    def run(self, statement: Fixed, values: Sequence[Any]) -> list[Any]:
        """Run a fixed statement; its rows, named. Raises psycopg.Error."""
        return self._rows(self.wait(self._send(self._message(statement, values))))

    def run_later(self, statement: Fixed, values: Sequence[Any]) -> Later:
        """Have a fixed statement of this transaction go with whatever is sent next, at the latest with COMMIT.

        Whoever sends that gets its error, which says whose it is (`error.statement`).
        """
        later = Later(self._message(statement, values))
        self._later.append(later)
        return later

    def run_alone(self, statement: Fixed, values: Sequence[Any]) -> list[Any]:
        """The same in a transaction of its own, of one round trip: without BEGIN it ends with its answer, committed or not
        at all. What tells who asks precedes it, if anything does, and what is run afterwards begins anew.

        Within a transaction that has begun it is a statement like others.
        """
        if self._later or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return self.run(statement, values)
        opening, tenant = self._opening, self._tenant if self._opening is not None else b""
        message = Message(tenant, statement, [as_text(value) for value in values])
        try:
            return self._rows(self.wait(self._send(message, alone=True)))
        finally:
            self._opening = opening

    def _message(self, statement: Fixed, values: Sequence[Any]) -> Message:
        return Message(self._tenant, statement, [as_text(value) for value in values])

    def _rows(self, result: Any) -> list[Any]:
        if result.status != ExecStatus.TUPLES_OK:
            return []
        names = tuple((result.fname(number) or b"").decode() for number in range(result.nfields))
        reader = Transformer(self)
        reader.set_pgresult(result)
        return reader.load_rows(0, result.ntuples, _row_of(names)._make)  # type: ignore[arg-type]

    def commit(self) -> None:
        """COMMIT, and then nothing is left behind. Raises psycopg.Error when nothing was committed."""
        if self._later:
            if self.clean:
                return _must_have_committed(self.wait(self._send(commit=True)))
            self.wait(self._send())
        self._opening = None  # nothing followed it
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        _must_have_committed(self._run(b"commit" if self.clean else b"commit;" + _CLEAN)[0])

    def rollback(self) -> None:
        """What has not been sent yet goes with what has."""
        self._opening = None
        self._later.clear()
        super().rollback()

    def commit_each(self, calls: Sequence["Call"]) -> None:
        """Have a transaction of these statements, of which begin() spoke, wait for commit_all()."""
        if self._opening is None:
            raise psycopg.ProgrammingError("a transaction is told first who asks")
        self._waiting.append((self._opening, *(self._message(*call) for call in calls)))
        self._opening = None

    def commit_all(self) -> list[int | None]:
        """Run what waits, one transaction after the other, in one round trip: the rows of each, None: not committed.

        Whatever follows one that failed may not have been begun. A transaction pooler, which may give each another
        backend, gets them one by one. Raises psycopg.Error for a lost connection.
        """
        waiting, self._waiting = self._waiting, []
        self._check_connection_ok()
        found: list[int | None] = []
        for together in [waiting] if self.may_prepare else [[one] for one in waiting]:
            found += self.wait(self._send_each(together))
        return found

    def clear(self) -> None:
        """Roll back what is open and leave nothing behind: role, settings, statements, cursors, channels, locks."""
        self._opening = None
        self._waiting.clear()
        self._later.clear()
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            self.rollback()
        if not self.clean:
            self._run(_CLEAN)
        elif len(self._kept) > MOST_PREPARED:
            self._run(self._longest_unused())

    def _start_query(self) -> Any:
        """Every other kind of statement passes here before it is sent: cursors, server-side cursors, COPY."""
        self.clean = False
        if self._opening is not None or self._later:
            yield from self._send()
        yield from super()._start_query()

    def _longest_unused(self) -> bytes:
        """Have the quarter of the prepared statements go that was used longest ago."""
        gone = [self._kept.pop(key) for key in list(self._kept)[: len(self._kept) - MOST_PREPARED * 3 // 4]]
        return b";".join(b"deallocate " + name for name in gone)

    def _run(self, statements: bytes) -> list[Any]:
        """Statements of our own, none of them with anything from outside, by the simple protocol: their results."""
        self._check_connection_ok()
        self.pgconn.send_query(statements)
        results = self.wait(generators.execute(self.pgconn))
        must_be_good(results)
        if statements.endswith(_CLEAN):
            self.clean = True
            self._kept.clear()
        return results

    def _send(self, message: Message | None = None, alone: bool = False, commit: bool = False) -> Any:
        """Send what opens the transaction, if it is not open yet, what was put off, and a statement or COMMIT in one round
        trip; the last one's result.

        What is sent before the sync is one transaction in any case (PostgreSQL, 55.2.4): `alone`, it ends there.
        """
        self._check_connection_ok()
        wire = self.pgconn
        about: list[_Key | None] = []
        wire.enter_pipeline_mode()
        if self._opening is not None:
            if not alone:
                wire.send_query_params(b"begin", None)
                about.append(None)
            about += self._put(self._opening)
            self._opening = None
        later, self._later = self._later, []
        ends = []
        for one in later:
            about += self._put(one.message)
            ends.append(len(about))
        if message is not None:
            about += self._put(message)
        if commit:
            wire.send_query_params(b"commit", None)
        wire.pipeline_sync()
        found = yield from answers(wire)
        wire.exit_pipeline_mode()
        self._forget_unmade(about, found)
        for one, end in zip(later, ends, strict=True):
            must_be_good(found[:end], one.message.statement)
            one.rows = self._rows(found[end - 1])
        must_be_good(found, message and message.statement)
        return found[-2]

    def _send_each(self, transactions: Sequence[tuple[Message, ...]]) -> Any:
        wire, about, parts = self.pgconn, list[_Key | None](), []
        wire.enter_pipeline_mode()
        for told, *messages in transactions:
            wire.send_query_params(b"begin", None)
            about += [None, *self._put(told)]
            began = len(about)
            for message in messages:
                about += self._put(message)
            parts.append(slice(began, len(about) + 1))
            wire.send_query_params(b"commit", None)
            wire.pipeline_sync()
            about += [None, None]
        found = yield from answers(wire, len(transactions))
        wire.exit_pipeline_mode()
        self._forget_unmade(about, found)
        return [rows_committed(*found[part]) for part in parts]

    def _put(self, message: Message) -> list[_Key | None]:
        """Queue a statement; for each answer that will come, what it prepares, or None."""
        key, values = message[:2], message.values
        if not (self.clean and self.may_prepare):
            self.pgconn.send_query_params(message.statement.sent, values)
            return [None]
        name = self._kept.pop(key, None)
        known = name is not None
        if name is None:
            name = b"fixed_%d" % next(self._numbers)
            self.pgconn.send_prepare(name, message.statement.sent)
        self._kept[key] = name  # behind all that were used before
        self.pgconn.send_query_prepared(name, values)
        return [None] if known else [key, None]

    def _forget_unmade(self, about: list[_Key | None], found: list[Any]) -> None:
        """What was prepared stays also when its transaction fails; what could not be is not there."""
        for made, result in zip(about, found, strict=False):
            if made is not None and result.status != ExecStatus.COMMAND_OK:
                self._kept.pop(made, None)


def _must_have_committed(result: Any) -> None:
    """PostgreSQL says so without an error when a statement had failed."""
    if result.command_status != b"COMMIT":
        raise errors.InFailedSqlTransaction("a statement had failed: the transaction was rolled back")


@lru_cache(maxsize=256)
def _row_of(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)


def begin(connection: Connection, tell: Fixed, *values: bytes, tenant: bytes) -> None:
    """Begin SQLAlchemy's transaction on the wire; it is sent with the first statement."""
    wire: Any = connection.connection.dbapi_connection
    if not wire.begun:  # else a savepoint: the transaction knows already
        wire.begin(tell, values, tenant)


def run(connection: Connection, statement: Fixed, values: Sequence[Any]) -> list[Any]:
    """Run a fixed statement in SQLAlchemy's transaction: named rows. Raises DBAPIError."""
    return _run(connection, connection.connection.dbapi_connection.run, statement, values)  # type: ignore[union-attr,no-any-return]


def run_alone(connection: Connection, statement: Fixed, values: Sequence[Any]) -> list[Any]:
    """Run the only statement of a transaction, which is over with it: named rows. Raises DBAPIError."""
    return _run(connection, connection.connection.dbapi_connection.run_alone, statement, values)  # type: ignore[union-attr,no-any-return]


def run_later(connection: Connection, statement: Fixed, values: Sequence[Any]) -> Later:
    """Have a statement go with the next one of the transaction, or its COMMIT, whose error tells whose it is.

    Raises DBAPIError for values that cannot be sent.
    """
    return _run(connection, connection.connection.dbapi_connection.run_later, statement, values)  # type: ignore[union-attr,no-any-return]


def _run(connection: Connection, how: Any, statement: Fixed, values: Sequence[Any]) -> Any:
    if connection.engine._has_events:
        connection.dispatch.before_cursor_execute(connection, None, statement, values, None, False)
    try:
        return how(statement, values)
    except psycopg.Error as error:
        connection._handle_dbapi_exception(error, statement, values, None, None)  # its own care for a lost server
