"""Chats beyond their tenant's retention are set aside, and deleted a week later; a rule that is lengthened brings them back.

Batches of one transaction each, with their event: which chats and by which rule, never what is in them. Run again after
a kill, or twice at once, it goes on with what is left.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import rows
from onyx.core.scope import Scope
from onyx.core.wire import Fixed
from onyx.tenancy.holds import hold_of
from onyx.tenancy.settings import settings_of

PURPOSE = "job:retention"
GRACE_DAYS = 7  # as migrations/tenant/0031 has it
BATCH = 100
FEW = 20  # chats that go at once: with all their messages, in the time that one statement may take
AGAIN = timedelta(hours=1)
_SET_ASIDE = Fixed("select user_id, id from retention_set_aside(%s, %s)")
_BRING_BACK = Fixed("select user_id, id from retention_bring_back(%s, %s)")
_REMOVE = Fixed("select user_id, id, messages from retention_remove(%s, %s)")
Work = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Applied:
    """How many chats were set aside, came back and were deleted; when to look again, None: when the rule changes."""

    set_aside: int
    brought_back: int
    removed: int
    next_at: datetime | None

    @property
    def effects(self) -> int:
        return self.set_aside + self.brought_back + self.removed


def apply(actor: Actor, work: Work, tell: Callable[[int, int], None]) -> Applied:
    """Apply the rule of the actor's tenant, as it is now; `work` opens a transaction for purpose `job:retention`."""
    days = rule(actor.tenant_id)
    step = _Step(actor, work, tell, days)
    back = step.through(_BRING_BACK, Action.CHATS_RESTORED, BATCH)
    if days is None:
        return Applied(0, back, 0, None)
    aside = step.through(_SET_ASIDE, Action.CHATS_SUSPENDED, BATCH)
    gone = step.through(_REMOVE, Action.CHATS_REMOVED, min(FEW, BATCH))
    return Applied(aside, back, gone, now() + AGAIN)


def rule(tenant: UUID) -> int | None:
    """Days after its last message that a chat is kept; None for ever, which a legal hold means too."""
    scope = Scope(tenant, PURPOSE)
    return None if hold_of(scope) else settings_of(scope).retention_chat_days


@dataclass(slots=True)
class _Step:
    """One way through all batches."""

    actor: Actor
    work: Work
    tell: Callable[[int, int], None]
    days: int | None
    done: int = 0

    def through(self, statement: Fixed, action: Action, most: int) -> int:
        """How many chats went this way. A rule that is another one meanwhile, or a hold, ends it: the next run obeys."""
        before = self.done
        while rule(self.actor.tenant_id) == self.days:
            with self.work() as session:
                found = rows(session, statement, self.days, most)
                if found:
                    self._told(session, action, found)
            self.done += len(found)
            self.tell(self.done, self.done)
            if len(found) < most:
                break
        return self.done - before

    def _told(self, session: Session, action: Action, found: list[Any]) -> None:
        of: dict[UUID, list[UUID]] = defaultdict(list)
        for row in found:
            of[row.user_id].append(row.id)
        more: dict[str, Any] = {"chats": len(found), "people": len(of), "retention_chat_days": self.days}
        if self.days is not None:
            more["last_message_before" if action is not Action.CHATS_RESTORED else "last_message_since"] = rfc3339(
                now() - timedelta(days=self.days)
            )
        if action is Action.CHATS_REMOVED:
            more |= {"messages": sum(row.messages for row in found), "grace_days": GRACE_DAYS}
        record(session, self.actor, action, *(target("chat", row.id) for row in found), **more)
        if action is not Action.CHATS_REMOVED:  # those were gone from every page a week ago
            topic = "chats.gone" if action is Action.CHATS_SUSPENDED else "chats.back"
            for user, chats in of.items():
                outbox.put(session, topic, tenant=self.actor.tenant_id, user=user, chats=chats)
