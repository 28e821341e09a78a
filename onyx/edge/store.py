"""Redis, scoped: every key of a tenant is made here, and a Redis that is away is noticed once, not on every call.

There is no client to hand around that could write a key without its tenant (F3): TenantStore names each command.
"""

from typing import Any
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .breaker import BUDGET, Breaker


class Away(Exception):
    """Redis did not answer in time, now or a moment ago."""


class Pool(redis.ConnectionPool):
    """Hands out connections without polling first whether they are still good, which costs as much as the command.

    A connection that went stale shows at its first command, which is then sent once more on a new one.
    """

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        self._checkpid()
        try:
            connection = self._available_connections.pop()
        except IndexError:
            connection = self.make_connection()
        self._in_use_connections.add(connection)
        try:
            connection.connect()
        except BaseException:
            self.release(connection)
            raise
        return connection


class Store:
    """One process's way to one Redis, behind a circuit breaker: after a failure nobody waits until it answers again."""

    def __init__(self, url: str, timeout: float = BUDGET) -> None:
        once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        pool = Pool.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=once_more, protocol=3)
        self.client = redis.Redis(connection_pool=pool)
        self.url = url
        self.timeout = timeout
        self.breaker = Breaker(self._probe)
        self._scripts: dict[str, Any] = {}

    @property
    def away(self) -> bool:
        return self.breaker.is_open

    def run(self, script: str, keys: list[str], args: list[Any]) -> Any:
        """Run a Lua script in one round trip. Raises Away."""
        prepared = self._scripts.get(script)
        if prepared is None:
            prepared = self._scripts[script] = self.client.register_script(script)
        return self.call(prepared, keys, args)

    def call(self, command: Any, *args: Any, **more: Any) -> Any:
        """Call a bound command of the client. Raises Away at once while the breaker is open."""
        if self.breaker.is_open:
            raise Away
        try:
            return command(*args, **more)
        except redis.RedisError as error:
            self.breaker.trip()
            raise Away from error

    def _probe(self) -> None:
        """Write something on a connection of its own: one that may only be read, or is full, is away too."""
        no_more = Retry(NoBackoff(), 0)
        made = redis.Redis.from_url(
            self.url, socket_timeout=self.timeout, socket_connect_timeout=self.timeout, retry=no_more
        )
        with made as client:
            client.set("onyx:probe", b"1", ex=60)


class TenantStore:
    """The commands that features may use, on keys `t:{tenant}:…` alone. Each raises Away."""

    def __init__(self, store: Store, tenant: UUID) -> None:
        self._store = store
        self._tenant = tenant

    def get(self, *name: object) -> bytes | None:
        return self._store.call(self._store.client.get, key(self._tenant, *name))

    def set(self, *name: object, value: str | bytes, seconds: int, only_if_new: bool = False) -> bool:
        return bool(
            self._store.call(self._store.client.set, key(self._tenant, *name), value, ex=seconds, nx=only_if_new)
        )

    def append(self, *name: object, value: str, seconds: int) -> int:
        """Append to a text and renew its life; returns its length in bytes."""
        made = key(self._tenant, *name)
        return self._store.run(_APPEND, [made], [value, seconds])

    def delete(self, *name: object) -> None:
        self._store.call(self._store.client.delete, key(self._tenant, *name))

    def touch(self, *name: object, member: str, at: float, seconds: int) -> None:
        """Put a member into a sorted set with a time, and drop members older than `seconds`."""
        self._store.run(_TOUCH, [key(self._tenant, *name)], [member, at, seconds])

    def members(self, *name: object, since: float) -> list[bytes]:
        return self._store.call(self._store.client.zrangebyscore, key(self._tenant, *name), since, "+inf")

    def remove(self, *name: object, members: list[str]) -> None:
        self._store.call(self._store.client.zrem, key(self._tenant, *name), *members)


def key(tenant: UUID, *name: object) -> str:
    """`t:{tenant}:a:b`; a part that holds a colon is refused, so that two names cannot make one key."""
    parts = [str(part) for part in name]
    if not isinstance(tenant, UUID) or not parts or any(":" in part for part in parts):
        raise ValueError(f"not a tenant's key: {tenant} {parts}")
    return f"t:{tenant}:" + ":".join(parts)


_APPEND = """
local n = redis.call('APPEND', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return n
"""
_TOUCH = """
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2] - ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
