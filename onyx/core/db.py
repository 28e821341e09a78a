"""The one way to the database: a unit of work inside a tenant scope.

Isolation hangs on what happens here: the extended protocol only (no stacked statements), no server-side prepared
statements but those of onyx.core.wire, nothing left on a connection for its next user, no session without a context.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

import psycopg
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, DisconnectionError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, Session, mapped_column, with_loader_criteria

from . import outbox
from .errors import Unavailable
from .outages import has_moved_away, in_the_way, is_away, may_have_moved, signed_out
from .pinned import PINNED, Pin
from .pool import ByTenant, tenants_of
from .scope import Scope, current_scope
from .wire import ExtendedCursor, Fixed, Later, Wire, run, run_alone, run_later

TENANTS_PER_CONNECTION = 40  # about 50 MB of a backend, and 6 for prepared statements
CONTROL_BIND = "control"


class Base(DeclarativeBase):
    """Tables of a tenant's schema, unqualified: search_path says whose."""


class Owned:
    """Mixin for rows of one person: ORM reads are filtered by the scope's user (the habit; RLS is the wall)."""

    user_id: Mapped[UUID] = mapped_column()


class Placed(FlaskSession):
    """A session on the node on which the scope's tenant lies."""

    def get_bind(self, *asked: Any, **more: Any) -> Engine | Connection:
        return super().get_bind(*asked, **more) if _placement is None else _placement.engine(current_scope())


class Placement(Protocol):
    """Where tenants lie, when there is more than one database machine (onyx.tenancy.placement)."""

    def engine(self, scope: Scope) -> Engine:
        """The engine of the tenant's node."""

    def look_again(self, scope: Scope) -> None:
        """Forget where the tenant lay."""


db = SQLAlchemy(
    model_class=Base, session_options={"class_": Placed, "expire_on_commit": False}, disable_autonaming=True
)
_tell: Callable[[Connection, Scope], None] | None = None
_placement: Placement | None = None
_HERE = Fixed("select 1 as here")


def engine_options(pool_size: int = 28, more: int = 0) -> dict[str, Any]:
    """Options of an engine: connections that stay, and how many more there may be while much goes on."""
    return {
        "poolclass": ByTenant,
        "pool_size": pool_size,
        "max_overflow": more,
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "pool_reset_on_return": None,
        "use_native_hstore": False,
        "hide_parameters": True,
        "connect_args": {
            "options": PINNED,
            "prepare_threshold": None,
            "cursor_factory": ExtendedCursor,
            "connect_timeout": 5,
        },
    }


def install(engine: Engine, tell: Callable[[Connection, Scope], None]) -> None:
    """Bind the walls to the engine; `tell` begins with scope and signed context (tenancy.walls)."""
    global _tell
    _tell = tell
    event.listen(engine, "do_connect", Pin())
    event.listen(engine, "checkout", _must_still_be_there)
    event.listen(engine, "reset", _leave_nothing_behind)
    event.listen(engine, "checkin", _retire_well_travelled)


def place(placement: Placement | None) -> None:
    """Have each tenant's transactions go to its own node; None: there is one database for all."""
    global _placement
    _placement = placement


def engine_of(scope: Scope) -> Engine:
    """The engine of the database on which a scope's tenant lies."""
    return db.engine if _placement is None else _placement.engine(scope)


def control_engine() -> Engine:
    """The control plane's own few connections, so that whoever holds a tenant's gets one of these all the same.

    From one pool, as many requests as it has connections would each hold one and wait for a second.
    """
    return db.engines.get(CONTROL_BIND) or db.engine


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """One transaction in the open scope: commit at the end, then deliver the outbox; roll back on any error.

    Raises ScopeMissing without a scope at the first statement, Unavailable when PostgreSQL is away, Unauthenticated when
    a login session has ended meanwhile that made something by which to come back.
    """
    session = _begun() if _placement is not None else db.session.session_factory()
    with _as_current(session):
        yield from _commit_or_roll_back(session)


def _begun() -> Session:
    """A session whose transaction stands on the tenant's node already: asked once more when the tenant has moved.

    Nothing has been read, written or sent yet, so that trying again does nothing twice. Raises Unavailable.
    """
    for pause in (0.0, 0.25, None):
        session = db.session.session_factory()
        try:
            run(session.connection(), _HERE, ())
            return session
        except (DBAPIError, PoolTimeout) as error:
            session.rollback()
            session.close()
            if not may_have_moved(error):
                raise
            if pause is None or _placement is None:
                raise Unavailable() from error
            time.sleep(pause)  # the second time: a move that is between its two commits
            _placement.look_again(current_scope())
    raise AssertionError


def _commit_or_roll_back(session: Session) -> Iterator[Session]:
    try:
        yield session
        _finish(session)
    except (OperationalError, PoolTimeout, ProgrammingError) as error:
        session.rollback()
        if is_away(error) or (_placement is not None and has_moved_away(error)) or in_the_way(error):
            raise Unavailable() from error
        raise
    except DatabaseError as error:
        session.rollback()
        raise signed_out(error) or error from None
    except BaseException:
        session.rollback()
        raise
    finally:
        letters = outbox.take(session)
        session.info.clear()
        session.close()
    outbox.deliver(letters)


def _finish(session: Session) -> None:
    try:
        for finish in session.info.get("before_commit", ()):
            finish(session)
        session.commit()
    except DBAPIError as error:
        for must_know in session.info.get("not_committed", ()):
            must_know(error)
        raise


@contextmanager
def _as_current(session: Session) -> Iterator[None]:
    """`db.session` means this session for a while; an outer unit of work gets its own back."""
    held = db.session.registry
    outer = held() if held.has() else None
    held.set(session)  # type: ignore[arg-type]
    try:
        yield
    finally:
        held.clear()
        if outer is not None:
            held.set(outer)


def tell(connection: Connection) -> None:
    """Have the connection's next transaction begin with the open scope and its signed context."""
    if _tell is None:
        raise RuntimeError("db.install() has not been called")
    _tell(connection, current_scope())


def violated(error: DBAPIError) -> str | None:
    """Name of the constraint that a statement broke, if any."""
    diagnostic = getattr(error.orig, "diag", None)
    return diagnostic.constraint_name if diagnostic else None


def said(error: psycopg.Error) -> str:
    """What PostgreSQL said, without the rows of which it said it (DETAIL, CONTEXT, values that it could not read)."""
    words = error.diag.message_primary
    if words is None:
        return str(error)
    return f"PostgreSQL refused a value ({error.sqlstate})." if (error.sqlstate or "").startswith("22") else words


def rows(session: Session, statement: str, *values: Any) -> list[Any]:
    """Run a statement as it stands (`%s` parameters): named rows, no compiling, no entities; a Fixed one is prepared."""
    connection = session.connection()
    if isinstance(statement, Fixed):
        return run(connection, statement, values)
    return list(connection.exec_driver_sql(statement, values).all())


def only_rows(session: Session, statement: Fixed, *values: Any) -> list[Any]:
    """The same where it is all that the unit of work asks: one round trip, with neither BEGIN nor COMMIT."""
    return run_alone(session.connection(), statement, values)


def rows_later(session: Session, statement: Fixed, *values: Any) -> Later:
    """The same where nobody needs the rows before the commit: no round trip of its own. What it breaks shows there."""
    return run_later(session.connection(), statement, values)


@event.listens_for(Session, "after_begin")
def _open_with_context(session: Session, _transaction: object, connection: Connection) -> None:
    tell(connection)


@event.listens_for(Session, "do_orm_execute")
def _own_rows_only(state: ORMExecuteState) -> None:
    scope = current_scope()
    if state.is_select and scope.purpose == "member" and not state.is_column_load and not state.is_relationship_load:
        user = scope.user
        state.statement = state.statement.options(
            with_loader_criteria(
                Owned,
                lambda cls: cls.user_id == user,
                include_aliases=True,
                track_closure_variables=True,
            )
        )


def _must_still_be_there(connection: Wire, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that the server cut off while it lay there, as a restart does to all.

    Reading what has arrived costs a system call and never waits; the second look finds the end behind a last word.
    """
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError as error:
        raise DisconnectionError() from error


def _leave_nothing_behind(connection: Wire, _record: object, state: Any) -> None:
    if not state.terminate_only and not connection.closed:
        connection.clear()


def _retire_well_travelled(_connection: psycopg.Connection, record: Any) -> None:
    """A backend keeps more than half a MB of catalogue for each tenant that it has touched: let it go in time."""
    if len(tenants_of(record)) > TENANTS_PER_CONNECTION:
        record.info.pop("tenants")
        record.invalidate()
