"""What somebody would try who can run SQL on Onyx's own connection, tried for real on it (T9).

Every attempt runs in a transaction that is rolled back, and its writes name rows that cannot be there.
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from onyx.core.db import engine_of
from onyx.core.scope import Scope

from .context import schema_of, sign
from .walls import backend, tell_as

CONTENT = ("chat_message", "chat_session", "file_passage", "project", "user_file")
WITHOUT_CONTENT = ("admin", "auditor", "auth", "platform", "job:isolation", "job:retention", "job:sessions")
_REFUSED = "42501"
_NO_ROW = "where ctid = '(0,0)'"
_TABLES = """
select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'p') order by relname
"""
_READABLE = """
select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'p')
   and has_any_column_privilege(oid, 'select') order by relname
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One question that was put to the installation; `found` says in words what did not hold."""

    name: str
    title: str
    found: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.found


def attempts(tenant: UUID, neighbour: UUID | None) -> list[Check]:
    """Every attempt of `tenant` on itself, on `neighbour`, and of that on this one; needs an app context.

    A tenant that has a database node of its own has no neighbour: nobody else's role can connect there.
    """
    return (_on_each_other(tenant, neighbour) if neighbour else []) + [
        Check("no_context", "Without a context there are no rows", _without(tenant)),
        Check("purposes", "No purpose but a person's own reads what people wrote", _purposes(tenant)),
    ]


def _on_each_other(tenant: UUID, neighbour: UUID) -> list[Check]:
    there, back = (tenant, neighbour), (neighbour, tenant)
    return [
        Check("foreign_tables", "Each organisation's tables refuse the other's role", _directly(*there) + _directly(*back)),
        Check("foreign_role", "Each organisation's role shows nothing to the other's context", _as(*there) + _as(*back)),
        Check("forged_contexts", "Forged, borrowed and expired contexts are not believed", _forged(*there) + _forged(*back)),
        Check("could_leak", "There was something that could have leaked", _something(neighbour) + _something(tenant)),
    ]  # fmt: skip


def _directly(tenant: UUID, neighbour: UUID) -> tuple[str, ...]:
    """Reads and writes by name, table by table: each must be refused for want of rights."""
    there = schema_of(neighbour)
    found = []
    with _transaction(tenant, lambda pid: sign(Scope(tenant, "member", uuid4()), pid)) as connection:
        for (table,) in connection.exec_driver_sql(_TABLES, (there,)).all():
            for verb in (f"select 1 from {there}.{table} limit 1", f"delete from {there}.{table} {_NO_ROW}"):
                if (answer := _answer(connection, verb)) != _REFUSED:
                    found.append(f"“{verb}” was answered with {answer or 'success'} instead of a refusal")
    return tuple(found)


def _as(tenant: UUID, neighbour: UUID) -> tuple[str, ...]:
    """The neighbour's own role and path, with this tenant's genuine context: no row is visible, none can be added."""
    found = []
    for purpose in ("member", "admin", "auditor", "auth", "platform", "job:isolation"):
        with _transaction(neighbour, lambda pid, p=purpose: sign(Scope(tenant, p, uuid4()), pid)) as connection:  # type: ignore[misc]
            found += [f"{table} is visible for purpose {purpose}" for table in _visible(connection, neighbour)]
            new = "insert into project (user_id, id, name) values (gen_random_uuid(), gen_random_uuid(), 'x')"
            if (answer := _answer(connection, new)) != _REFUSED:
                found.append(f"a project could be added for purpose {purpose}: {answer or 'success'}")
    return tuple(found)


def _forged(tenant: UUID, neighbour: UUID) -> tuple[str, ...]:
    found = []
    for name in _forgeries(tenant, neighbour, 1):
        with _transaction(neighbour, lambda pid, n=name: _forgeries(tenant, neighbour, pid)[n]) as connection:  # type: ignore[misc]
            if connection.exec_driver_sql("select onyx.ctx()").scalar() is not None:
                found.append(f"a context that is {name} was believed")
            found += [f"{table} is visible to a context that is {name}" for table in _visible(connection, neighbour)]
    return tuple(found)


def _forgeries(tenant: UUID, neighbour: UUID, pid: int | None) -> dict[str, str]:
    """Contexts that must not be believed, each by what is wrong with it."""
    own = sign(Scope(tenant, "member", uuid4()), pid)
    theirs, mac = sign(Scope(neighbour, "auditor", uuid4()), pid).rsplit(".", 1)
    made = {
        "unsigned": theirs,
        "signed with zeros": f"{theirs}.{'0' * 64}",
        "signed with another key": f"{theirs}.{hmac.digest(b'another key', theirs.encode(), 'sha256').hex()}",
        "edited to another organisation": own.replace(tenant.hex, neighbour.hex),
        "edited to another purpose": f"{theirs}.{mac}".replace("|auditor|", "|auth|"),
        "expired": sign(Scope(neighbour, "auditor", uuid4()), pid, seconds=-1.0),
        "empty": "",
    }
    if pid is not None:
        made["another connection's"] = sign(Scope(neighbour, "auditor", uuid4()), pid + 1)
    return made


def _without(tenant: UUID) -> tuple[str, ...]:
    with _transaction(tenant, lambda _: "-") as connection:
        return tuple(f"{table} is visible" for table in _visible(connection, tenant))


def _purposes(tenant: UUID) -> tuple[str, ...]:
    found = []
    for purpose in WITHOUT_CONTENT:
        with _transaction(tenant, lambda pid, p=purpose: sign(Scope(tenant, p, uuid4()), pid)) as connection:  # type: ignore[misc]
            seen = set(_visible(connection, tenant)) & set(CONTENT)
            found += [f"{table} is visible for purpose {purpose}" for table in sorted(seen)]
    return tuple(found)


def _something(neighbour: UUID) -> tuple[str, ...]:
    """The neighbour's own auditor sees its trail: else all the zeros above would prove nothing."""
    with _transaction(neighbour, lambda pid: sign(Scope(neighbour, "auditor", uuid4()), pid)) as connection:
        return (
            ()
            if "audit_event" in _visible(connection, neighbour)
            else ("a trail is empty: nothing could have leaked from it",)
        )


@contextmanager
def _transaction(tenant: UUID, context: Callable[[int | None], str]) -> Iterator[Connection]:
    """A transaction with a tenant's role and path and any context, rolled back at the end."""
    with engine_of(Scope(tenant, "auth")).connect() as connection, connection.begin() as transaction:
        tell_as(connection, tenant, context(backend(connection)))
        yield connection
        transaction.rollback()


def _visible(connection: Connection, tenant: UUID) -> list[str]:
    """Which of a tenant's tables show a row here."""
    schema = schema_of(tenant)
    names = connection.exec_driver_sql(_READABLE, (schema,)).scalars().all()
    asked = " union all ".join(f"select '{name}' where exists (select 1 from {schema}.{name})" for name in names)
    return list(connection.exec_driver_sql(asked).scalars()) if names else []


def _answer(connection: Connection, statement: str) -> str | None:
    """The SQLSTATE that a statement ends with, None for success; the transaction goes on."""
    connection.exec_driver_sql("savepoint attempt")
    try:
        connection.exec_driver_sql(statement)
        return None
    except DBAPIError as error:
        return getattr(error.orig, "sqlstate", None) or "an error"
    finally:
        connection.exec_driver_sql("rollback to attempt")
