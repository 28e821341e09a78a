"""How events reach the sockets of other processes: over Redis, with the same breaker as everything else.

The library's own Redis manager waits for a Redis that is slow, at every event, and listens again only a minute after
one that was gone. Here a process tells its own sockets at once, the others as far as Redis lets it; what a socket of
another process misses, it asks for by `seq`.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from socketio.pubsub_manager import PubSubManager

from .store import Away, Store

_log = structlog.get_logger()
CHANNEL = "onyx:sockets"


class Rooms(PubSubManager):
    """The manager of Socket.IO's rooms over all processes."""

    name = "redis"

    def __init__(self, store: Store) -> None:
        super().__init__(channel=CHANNEL)
        self._store = store

    def _publish(self, data: Any) -> None:
        with suppress(Away):
            self._store.call(self._store.client.publish, self.channel, json.dumps(data))

    def _listen(self) -> Iterator[bytes]:
        while True:
            client = redis.Redis.from_url(
                self._store.url, socket_timeout=None, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
            )
            try:
                pubsub = client.pubsub(ignore_subscribe_messages=True)
                pubsub.subscribe(self.channel)
                for message in pubsub.listen():
                    if message["type"] == "message":
                        yield message["data"]
            except (redis.RedisError, OSError) as error:
                _log.warning("rooms do not hear other processes", error=str(error)[:200])
            finally:
                client.close()
            time.sleep(0.25)
            while self._store.away:
                time.sleep(0.1)
