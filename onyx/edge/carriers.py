"""What a session's, a person's or a tenant's change does outside PostgreSQL, once it has committed."""

from collections.abc import Callable
from uuid import UUID

import structlog

from onyx.core import outbox
from onyx.core.scope import current_scope
from onyx.tenancy.notices import Notice, announce

from . import gate
from .state import state
from .store import Away

_log = structlog.get_logger()


@outbox.carrier("session.ended")
def session_ended(tenant: UUID, id: UUID, digests: list[bytes], reason: str, notice: UUID) -> None:
    """Entomb the session's cache entries, then have every process drop its sockets and streams (S5)."""
    _tell(lambda: gate.forget_session(tenant, digests), Notice(notice, tenant, "session", id, reason))


@outbox.carrier("session.rotated")
def session_rotated(tenant: UUID, digest: bytes) -> None:
    """Let the old token's cache entry die with its ten seconds of grace."""
    try:
        gate.outdate_session(tenant, digest)
    except Away:
        _log.warning("redis away: the old token's entry runs out with its generation")


@outbox.carrier("person.changed")
def person_changed(tenant: UUID, user: UUID, reason: str, notice: UUID) -> None:
    """Have roles, status and profile of a person read anew everywhere (I3)."""
    _tell(lambda: gate.forget_person(tenant, user), Notice(notice, tenant, "user", user, reason))


@outbox.carrier("tenant.changed")
def tenant_changed(tenant: UUID, closed: bool, reason: str, notice: UUID) -> None:
    """Open or close a tenant's gate and have every process ask anew for its sockets (T1)."""
    _tell(lambda: gate.close_gate(tenant, closed), Notice(notice, tenant, "tenant", tenant, reason))


def _tell(forget: Callable[[], None], notice: Notice) -> None:
    announce(current_scope(), notice)
    bus = state().bus
    try:
        forget()
        bus.publish(notice)
    except Away:
        _log.warning("redis away: every process finds this notice by polling", kind=notice.kind)
    bus.receive(notice)
