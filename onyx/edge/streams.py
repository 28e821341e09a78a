"""Answers that are being streamed, so that a stop, a revocation or a suspension ends them (S5)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from onyx.identity.changes import FACTOR, FACTOR_POLICY, PROFILE
from onyx.tenancy.notices import Notice


@dataclass(slots=True)
class Stream:
    """One running answer; the one who streams looks at `stopped` between pieces."""

    tenant: UUID
    user: UUID
    session: UUID | None
    message: UUID
    stopped: threading.Event = field(default_factory=threading.Event)
    reason: str = ""

    def stop(self, reason: str) -> None:
        self.reason = reason
        self.stopped.set()


class Streams:
    """The streams of this process, by the message that they write."""

    def __init__(self) -> None:
        self._open: dict[tuple[UUID, UUID], Stream] = {}

    @contextmanager
    def open(self, tenant: UUID, user: UUID, session: UUID | None, message: UUID) -> Iterator[Stream]:
        stream = Stream(tenant, user, session, message)
        self._open[tenant, message] = stream
        try:
            yield stream
        finally:
            self._open.pop((tenant, message), None)

    def obey(self, notice: Notice) -> None:
        """Stop what the notice speaks of: one answer (kind `stop`), or all of a session, a person, a tenant.

        A notice about a person whose roles changed ends their answers too: rights may have gone with them; a new
        name or preference takes nothing away.
        """
        if notice.reason in (PROFILE, FACTOR, FACTOR_POLICY):
            return
        for stream in list(self._open.values()):
            if stream.tenant == notice.tenant and notice.subject in (
                stream.message if notice.kind == "stop" else None,
                stream.session if notice.kind == "session" else None,
                stream.user if notice.kind == "user" else None,
                stream.tenant if notice.kind == "tenant" else None,
            ):
                stream.stop(notice.reason)

    def __len__(self) -> int:
        return len(self._open)
