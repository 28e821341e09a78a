"""Who is asking, in which tenant, for which purpose: the only key to a database session with rights."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from .errors import ScopeMissing

PURPOSES = frozenset({"member", "admin", "auditor", "platform", "auth", "breakglass"})


@dataclass(frozen=True, slots=True)
class Scope:
    """One tenant, one purpose, at most one user; `session` is the login session that acts."""

    tenant: UUID
    purpose: str
    user: UUID | None = None
    session: UUID | None = None


_current: ContextVar[Scope | None] = ContextVar("onyx_scope", default=None)


def current_scope() -> Scope:
    """The open scope. Raises ScopeMissing: there is no default tenant to fall back to (T8)."""
    scope = _current.get()
    if scope is None:
        raise ScopeMissing("open a tenant_scope() first: without a tenant there are no rows")
    return scope


def peek() -> Scope | None:
    """The open scope, if there is one: for those who only prefer, never for those who decide."""
    return _current.get()


@contextmanager
def tenant_scope(tenant: UUID, purpose: str, user: UUID | None = None, session: UUID | None = None) -> Iterator[Scope]:
    """Open a scope for a `with` block. Ids must be UUIDs; purposes are PURPOSES or `job:<name>`."""
    if not isinstance(tenant, UUID) or (user is not None and not isinstance(user, UUID)):
        raise ScopeMissing("a scope takes UUIDs; parse ids at the edge")
    if purpose not in PURPOSES and not purpose.startswith("job:"):
        raise ScopeMissing(f"unknown purpose {purpose!r}")
    scope = Scope(tenant, purpose, user, session)
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)
