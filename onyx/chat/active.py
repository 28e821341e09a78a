"""The chats that somebody has open just now, in Redis (X6, X7): `t:{tenant}:session:{id}`, with last access and state.

SESSION_TTL bounds how long, SESSION_MAX_SESSIONS how many for each person: the least recently used leaves the cache,
never the database. Losing it loses nothing.
"""

import json
import time
from uuid import UUID

from onyx.core.actor import Actor
from onyx.edge.state import state
from onyx.edge.store import Away, key

# KEYS: the chat's entry, the person's chats by last access. ARGV: entry, id, time, milliseconds, most, prefix.
_KEEP = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, over - 1)) do redis.call('DEL', ARGV[6] .. id) end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
end
return over
"""


def keep_active(actor: Actor, chat_id: UUID, status: str = "active") -> None:
    """Note that a chat is in use now; quietly nothing while Redis is away."""
    here = state()
    now = time.time()
    entry = json.dumps({"user": str(actor.user_id), "last_access": now, "state": status})
    names = [key(actor.tenant_id, "session", chat_id), key(actor.tenant_id, "chats", actor.user_id)]
    prefix = key(actor.tenant_id, "session", "")
    try:
        limits = [here.settings.session_ttl, here.settings.session_max_sessions]
        here.store.run(_KEEP, names, [entry, str(chat_id), now, *limits, prefix])
    except Away:
        return
