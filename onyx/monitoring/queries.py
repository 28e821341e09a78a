"""What the board asks PostgreSQL."""

from sqlalchemy.orm import Session

from onyx.core.db import rows

_LIVE = """
select count(*) from (select 1 from login_session where state = 'active' and expires_at > now()
   and last_seen_at + idle_seconds * interval '1 second' > now() limit 100000) as alive
"""


def count_live(session: Session) -> int:
    """How many login sessions of the tenant are live; counting stops at 100 000."""
    return int(rows(session, _LIVE)[0][0])
