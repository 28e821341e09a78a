"""For how long somebody's own chats are kept, for the pages on which they are told."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from onyx.core.db import rows
from onyx.core.scope import current_scope
from onyx.core.wire import Fixed
from onyx.tenancy.settings import settings_of

_OWN = Fixed("select waiting, goes_at from retention_of_own()")


class Kept(NamedTuple):
    """`days` after its last message that a chat is kept (None: without end); how many of the person's own are set aside
    already, and when the first of those is deleted.
    """

    days: int | None
    waiting: int
    goes_at: datetime | None


def kept(session: Session) -> Kept:
    """What holds for the person of the open scope; purpose `member`."""
    found = rows(session, _OWN)[0]
    return Kept(settings_of(current_scope()).retention_chat_days, found.waiting, found.goes_at)
