"""Answers that are being streamed, so that a stop, a revocation or a suspension ends them (S5, T1)."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import AddressRefused
from onyx.identity.changes import FACTOR, FACTOR_POLICY, PROFILE, SESSION_POLICY, SETTINGS, TOKEN
from onyx.tenancy.notices import Notice

_log = structlog.get_logger()
REMEMBERED = 60.0  # seconds between being let in and opening a stream: nobody takes longer
_MOST = 2000


@dataclass(slots=True, eq=False)
class Stream:
    """One running answer; the one who streams looks at `stopped` between pieces."""

    tenant: UUID
    user: UUID
    session: UUID | None
    message: UUID
    needs: Permission = Permission.CHAT_USE
    ip: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)
    reason: str = ""

    def stop(self, reason: str) -> None:
        self.reason = reason
        self.stopped.set()

    @property
    def hangs_on(self) -> tuple[tuple[str, UUID | None], ...]:
        return ("session", self.session), ("user", self.user), ("tenant", self.tenant)


class Streams:
    """The streams of this process. `judge` says which of some streams of one tenant may not go on."""

    def __init__(self, judge: Callable[[UUID, list[Stream]], list[Stream]]) -> None:
        self._open: dict[int, Stream] = {}
        self._judge = judge
        self._heard: dict[tuple[UUID, str, UUID | None], tuple[float, str]] = {}

    @contextmanager
    def open(self, actor: Actor, message: UUID, needs: Permission = Permission.CHAT_USE) -> Iterator[Stream]:
        """List a stream to the actor for as long as the block runs; needs an app context. `needs` is what one must be
        allowed.

        Whoever asked was let in a moment ago: a notice that came since then found no stream to stop, so that it is
        heeded now.
        """
        assert actor.user_id is not None
        tenant = actor.tenant_id
        stream = Stream(tenant, actor.user_id, actor.session_id, message, needs, actor.request.ip)
        self._open[id(stream)] = stream
        try:
            since = time.monotonic() - REMEMBERED
            heard = [self._heard.get((tenant, *one), (0.0, "")) for one in stream.hangs_on]
            for reason in [reason for at, reason in heard if at > since][:1]:
                self._stop_what_is_over(tenant, [stream], reason)
            yield stream
        finally:
            self._open.pop(id(stream), None)

    def obey(self, notice: Notice) -> None:
        """Stop what the notice speaks of: one answer (kind `stop`), or what is over of a session, a person, a tenant.

        A notice about a person whose roles changed ends their answers too: rights may have gone with them; a new
        name or preference takes nothing away. One about a tenant may mean all of its sessions or all but one, so that
        each stream's own session is asked for; settings may say that nobody comes from its address any more.
        """
        if notice.reason in (PROFILE, FACTOR, FACTOR_POLICY, SESSION_POLICY, TOKEN):
            return
        mine = [stream for stream in list(self._open.values()) if stream.tenant == notice.tenant]
        if notice.kind == "stop":
            for stream in (one for one in mine if one.message == notice.subject):
                stream.stop(notice.reason)
            return
        kind = "tenant" if notice.kind == "sessions" else notice.kind
        self._remember(notice, kind)
        concerned = [stream for stream in mine if (kind, notice.subject) in stream.hangs_on]
        if kind == "tenant":
            self._stop_what_is_over(notice.tenant, concerned, notice.reason)
        else:
            for stream in concerned:
                stream.stop(notice.reason)

    def _stop_what_is_over(self, tenant: UUID, streams: list[Stream], reason: str) -> None:
        """Nobody who can judge is a reason to stop: what was asked is kept, and can be asked again."""
        if not streams:
            return
        try:
            over = self._judge(tenant, streams)
        except Exception:
            _log.exception("streams could not be judged", tenant=str(tenant), reason=reason, streams=len(streams))
            over = streams
        for stream in over:
            stream.stop(AddressRefused.code if reason == SETTINGS else reason)

    def _remember(self, notice: Notice, kind: str) -> None:
        if len(self._heard) >= _MOST:
            since = time.monotonic() - REMEMBERED
            self._heard = {name: known for name, known in self._heard.items() if known[0] > since}
        self._heard[notice.tenant, kind, notice.subject] = (time.monotonic(), notice.reason)

    def __len__(self) -> int:
        return len(self._open)
