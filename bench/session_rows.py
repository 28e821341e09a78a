"""100,000 live login sessions of as many people in one tenant, and a hundred tenants more in the platform's list.

Built in batches, each committed: a build that was stopped goes on where it ended, and one that is there is found
there. About 200 MB of disk with indexes. The oldest half, tenth and hundredth are called so: words that are frequent
where the list ends.
"""

from typing import Any

import psycopg

SESSIONS = 100_000
BATCH = 10_000
# Systems and programs in uneven shares, four networks, ages over eight hours: as an organisation has them.
_PEOPLE = """
insert into app_user (id, email, email_digest)
select md5('person' || n)::uuid, 'person' || n || '@bench.example', sha256(('bench person' || n)::bytea)
  from generate_series(%(first)s::int, %(last)s::int) n on conflict do nothing
"""
_NAME = """'Person Number ' || n || case when n > %(count)s * 0.5 then ' Half' else '' end
       || case when n > %(count)s * 0.9 then ' Tenth' else '' end
       || case when n > %(count)s * 0.99 then ' Hundredth' else '' end"""
_NAMES = f"""
insert into profile (user_id, display_name)
select md5('person' || n)::uuid, {_NAME}
  from generate_series(%(first)s::int, %(last)s::int) n on conflict do nothing
"""
_SESSIONS = f"""
insert into login_session
    (user_id, id, token_digest, created_at, last_seen_at, idle_seconds, expires_at, ip, user_agent, device, words)
select md5('person' || n)::uuid, md5('session' || n || %(round)s)::uuid, sha256(('token' || n)::bytea),
       now() - n * interval '0.28 seconds', now(), 2592000, now() + interval '30 days',
       case when n %% 10 < 7 then '10.1.' || n %% 200 || '.' || n %% 250
            when n %% 10 < 9 then '192.168.' || n %% 40 || '.' || n %% 250
            else '203.0.' || n %% 250 || '.' || n %% 199 end,
       'Mozilla/5.0 bench',
       (array['Chrome on Windows', 'Chrome on Windows', 'Chrome on macOS', 'Edge on Windows', 'Safari on iPhone',
              'Chrome on Android', 'Firefox on Linux'])[n %% 7 + 1],
       onyx.plain_words('person' || n || '@bench.example ' || {_NAME})
  from generate_series(%(first)s::int, %(last)s::int) n on conflict do nothing
"""
_LISTED = """
insert into onyx.live_session (tenant_id, id, user_id, created_at, expires_at, address, device)
select %(tenant)s, id, user_id, created_at, expires_at, address, device from login_session where state = 'active'
on conflict do nothing
"""


def fill(database: psycopg.Connection[Any], tenant: Any, count: int = SESSIONS, round: str = "") -> None:
    """Bring a tenant to `count` live sessions; `database` is a superuser's, in autocommit. Writes past triggers."""
    database.execute(f"set search_path = tenant_{tenant.hex}".encode())
    database.execute("set session_replication_role = replica")
    there = database.execute("select count(*) from login_session where state = 'active'").fetchone()
    assert there is not None
    for first in range(there[0] // BATCH * BATCH + 1, count + 1, BATCH):
        numbers = {"first": first, "last": min(first + BATCH - 1, count), "count": count, "round": round}
        for statement in (_PEOPLE, _NAMES, _SESSIONS):
            database.execute(statement, numbers)
    database.execute(_LISTED, {"tenant": tenant})
    database.execute("set session_replication_role = origin")
    database.execute("vacuum analyze login_session")
    database.execute("vacuum analyze app_user")
    database.execute("vacuum analyze profile")
    database.execute("vacuum analyze onyx.live_session")
