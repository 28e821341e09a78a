"""What somebody would try who can run SQL on Onyx's own connection, tried for real on it (T9).

Every attempt runs in a transaction that is rolled back, and its writes name rows that cannot be there.
"""

import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from onyx.core.db import engine_of
from onyx.core.scope import Scope

from .context import schema_of, sign
from .inside import relations
from .walls import backend, tell_as

CONTENT = ("chat_message", "chat_session", "file_passage", "project", "user_file")
WITHOUT_CONTENT = ("admin", "auditor", "auth", "platform", "job:isolation", "job:retention", "job:sessions")
_REFUSED = "42501"
_NO_ROW = "where ctid = '(0,0)'"
_NOTHING = "select null where false"
_TABLES = f"select relname from {relations()} c where relkind in ('r', 'p') order by relname"
_READABLE = f"""
select relname from {relations()} c
 where relkind in ('r', 'p') and has_any_column_privilege(oid, 'select') order by relname
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


@dataclass(slots=True)
class _Hand:
    """One connection for all attempts, so that what is looked at again and again is planned once for each tenant."""

    connection: Connection
    planned: set[UUID] = field(default_factory=set)

    @contextmanager
    def transaction(self, tenant: UUID, context: Callable[[int | None], str]) -> Iterator[Connection]:
        """A transaction with a tenant's role and path and any context, rolled back at the end."""
        with self.connection.begin() as transaction:
            tell_as(self.connection, tenant, context(backend(self.connection)))
            yield self.connection
            transaction.rollback()

    def visible(self, tenant: UUID) -> list[str]:
        """Which of a tenant's tables show a row, in a transaction with its role."""
        look = f"visible_{tenant.hex}"
        if tenant not in self.planned:
            schema = schema_of(tenant)
            names = self.connection.exec_driver_sql(_READABLE, (schema,)).scalars().all()
            asked = [f"select '{name}' where exists (select 1 from {schema}.{name})" for name in names]
            # The policies' conditions are looked at whenever it runs, with the context of that moment.
            self.connection.exec_driver_sql(f"prepare {look} as {' union all '.join(asked) or _NOTHING}")
            self.planned.add(tenant)
        return list(self.connection.exec_driver_sql(f"execute {look}").scalars())


def attempts(tenant: UUID, neighbour: UUID | None) -> list[Check]:
    """Every attempt of `tenant` on itself, on `neighbour`, and of that on this one; needs an app context.

    A tenant that has a database node of its own has no neighbour: nobody else's role can connect there.
    """
    with engine_of(Scope(tenant, "auth")).connect() as connection:
        hand = _Hand(connection)
        return (_on_each_other(hand, tenant, neighbour) if neighbour else []) + [
            Check("no_context", "Without a context there are no rows", _without(hand, tenant)),
            Check("purposes", "No purpose but a person's own reads what people wrote", _purposes(hand, tenant)),
        ]


def _on_each_other(hand: _Hand, tenant: UUID, neighbour: UUID) -> list[Check]:
    there, back = (hand, tenant, neighbour), (hand, neighbour, tenant)
    return [
        Check("foreign_tables", "Each organisation's tables refuse the other's role", _directly(*there) + _directly(*back)),
        Check("foreign_role", "Each organisation's role shows nothing to the other's context", _as(*there) + _as(*back)),
        Check("forged_contexts", "Forged, borrowed and expired contexts are not believed", _forged(*there) + _forged(*back)),
        Check("could_leak", "There were rows that a hole would show", _something(hand, neighbour) + _something(hand, tenant)),
    ]  # fmt: skip


def _directly(hand: _Hand, tenant: UUID, neighbour: UUID) -> tuple[str, ...]:
    """Reads and writes by name, table by table: each must be refused for want of rights."""
    there = schema_of(neighbour)
    with hand.transaction(tenant, lambda pid: sign(Scope(tenant, "member", uuid4()), pid)) as connection:
        names = connection.exec_driver_sql(_TABLES, (there,)).scalars().all()
        verbs = [
            verb
            for name in names
            for verb in (f"select 1 from {there}.{name} limit 1", f"delete from {there}.{name} {_NO_ROW}")
        ]
        return tuple(
            f"“{verb}” was answered with {answer or 'success'} instead of a refusal"
            for verb, answer in zip(verbs, _answers(connection, verbs), strict=True)
            if answer != _REFUSED
        )


def _as(hand: _Hand, tenant: UUID, neighbour: UUID) -> tuple[str, ...]:
    """The neighbour's own role and path, with this tenant's genuine context: no row is visible, none can be added."""
    found = []
    for purpose in ("member", "admin", "auditor", "auth", "platform", "job:isolation"):
        with hand.transaction(neighbour, lambda pid, p=purpose: sign(Scope(tenant, p, uuid4()), pid)) as connection:  # type: ignore[misc]
            found += [f"{table} is visible for purpose {purpose}" for table in hand.visible(neighbour)]
            new = "insert into project (user_id, id, name) values (gen_random_uuid(), gen_random_uuid(), 'x')"
            (answer,) = _answers(connection, [new])
            if answer != _REFUSED:
                found.append(f"a project could be added for purpose {purpose}: {answer or 'success'}")
    return tuple(found)


def _forged(hand: _Hand, tenant: UUID, neighbour: UUID) -> tuple[str, ...]:
    found = []
    for name in _forgeries(tenant, neighbour, 1):
        with hand.transaction(neighbour, lambda pid, n=name: _forgeries(tenant, neighbour, pid)[n]) as connection:  # type: ignore[misc]
            if connection.exec_driver_sql("select onyx.ctx()").scalar() is not None:
                found.append(f"a context that is {name} was believed")
            found += [f"{table} is visible to a context that is {name}" for table in hand.visible(neighbour)]
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


def _without(hand: _Hand, tenant: UUID) -> tuple[str, ...]:
    with hand.transaction(tenant, lambda _: "-"):
        return tuple(f"{table} is visible" for table in hand.visible(tenant))


def _purposes(hand: _Hand, tenant: UUID) -> tuple[str, ...]:
    found = []
    for purpose in WITHOUT_CONTENT:
        with hand.transaction(tenant, lambda pid, p=purpose: sign(Scope(tenant, p, uuid4()), pid)):  # type: ignore[misc]
            seen = set(hand.visible(tenant)) & set(CONTENT)
            found += [f"{table} is visible for purpose {purpose}" for table in sorted(seen)]
    return tuple(found)


def _something(hand: _Hand, neighbour: UUID) -> tuple[str, ...]:
    """The neighbour's own auditor sees its trail: else all the zeros above would prove nothing."""
    with hand.transaction(neighbour, lambda pid: sign(Scope(neighbour, "auditor", uuid4()), pid)):
        seen = "audit_event" in hand.visible(neighbour)
    return () if seen else ("a trail is empty: nothing could have leaked from it",)


def _answers(connection: Connection, statements: Sequence[str]) -> list[str | None]:
    """The SQLSTATE that each statement ends with, None for success; the transaction goes on."""
    connection.exec_driver_sql("savepoint attempt")
    return [_answer(connection, statement) for statement in statements]


def _answer(connection: Connection, statement: str) -> str | None:
    try:
        connection.exec_driver_sql(statement)
        return None
    except DBAPIError as error:
        return getattr(error.orig, "sqlstate", None) or "an error"
    finally:
        connection.exec_driver_sql("rollback to attempt")
