"""Whether somebody proved lately, in this login session, that it is still them (I6)."""

from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import StepUpRequired

MINUTES = 10
# Neither time can be written by what acts for the person: both are purpose `auth`'s alone.
_FRESH = """
select 1 from login_session s
 where s.user_id = %s and s.id = %s and s.state = 'active' and now() - %s * interval '1 minute' < greatest(s.created_at,
       (select c.confirmed_at from confirmation c where c.user_id = s.user_id and c.session_id = s.id))
"""
_CONFIRM = """
insert into confirmation (user_id, session_id, method) values (%s, %s, %s)
on conflict (user_id, session_id) do update set method = excluded.method, confirmed_at = now()
"""


def is_fresh(session: Session, actor: Actor) -> bool:
    """Whether signing in, or a step-up, is not longer ago than ten minutes; without a login session it never is."""
    if actor.user_id is None or actor.session_id is None:
        return False
    return bool(rows(session, _FRESH, actor.user_id, actor.session_id, MINUTES))


def must_be_fresh(session: Session, actor: Actor) -> None:
    """Raise StepUpRequired unless it is.

    A program cannot be asked again: what its API key may do was confirmed when the key was made.
    """
    if actor.kind != "api_key" and not is_fresh(session, actor):
        raise StepUpRequired()


def confirm(session: Session, user: UUID, login: UUID, method: str) -> None:
    """Remember that the person showed a password or factor just now; purpose `auth`."""
    session.connection().exec_driver_sql(_CONFIRM, (user, login, method))
