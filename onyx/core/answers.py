"""What PostgreSQL answers to statements that were sent together (libpq's pipeline mode)."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.pq import ExecStatus
from psycopg.waiting import Wait

_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.PIPELINE_SYNC)


def answers(wire: Any, transactions: int = 1) -> Any:
    """Send what is queued; all results, to the last of so many PIPELINE_SYNC."""
    yield from generators.send(wire)
    found: list[Any] = []
    while transactions:
        yield Wait.R
        wire.consume_input()
        while transactions and not wire.is_busy():
            result = wire.get_result()
            if result is not None:
                found.append(result)
                transactions -= result.status == ExecStatus.PIPELINE_SYNC
    return found


def rows_committed(*results: Any) -> int | None:
    """Rows that a transaction's statements read or changed; None when it was not committed."""
    *done, commit = results
    return sum(result.command_tuples or 0 for result in done) if commit.command_status == b"COMMIT" else None


def must_be_good(results: Sequence[Any], statement: str | None = None) -> None:
    """Raise psycopg.Error for the first that failed, as of this statement; InterfaceError for what nobody has asked for."""
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            error = errors.error_from_result(result)
            error.__dict__["statement"] = statement
            raise error
        if result.status not in _GOOD:
            raise psycopg.InterfaceError(f"unexpected answer {ExecStatus(result.status).name}")
