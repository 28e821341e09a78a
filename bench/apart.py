"""What parts of serving many tenants cost, in CPU of one process and one backend: `python -m bench.apart`.

On the installation that `python -m bench tenants` has built, in this process, without a server.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

from onyx.app import create_app, load_settings
from onyx.chat import queries
from onyx.core.clock import now, rfc3339
from onyx.core.db import db, unit_of_work
from onyx.core.each import MOST, in_each
from onyx.core.scope import tenant_scope
from onyx.edge import access_log
from onyx.monitoring import board, counters

from .load import median
from .place import Place
from .processes import cpu_seconds
from .town import query, town

TURNS = 36  # tenants that share a backend where 1,000 have 28


def main() -> None:
    """A line for each part: µs of PostgreSQL and of Python, medians."""
    with town("many", 200) as many:
        os.environ.update(
            {key: value for key, value in {**many.environment, **many.addresses}.items() if "_OWNER" not in key}
        )
        found = query(many, "select id from onyx.tenant where slug like 'house-%' order by slug limit 200")
        people = {row[0]: query(many, f"select id from tenant_{row[0].hex}.app_user limit 1")[0][0] for row in found}
        app = create_app(load_settings())
        # One backend for all, however much it learns.
        with app.app_context(), patch("onyx.core.pool.TENANTS_BEFORE_ANOTHER", 1 << 20):
            with patch("onyx.core.db.TENANTS_PER_CONNECTION", 1 << 20):
                for name, database, here in _parts(many, people):
                    sys.stdout.write(f"{name:56} PostgreSQL {database:6.0f} µs  Python {here:6.0f} µs\n")


def _parts(many: Place, people: dict[UUID, UUID]) -> Iterator[tuple[str, float, float]]:
    houses = list(people)

    def page(house: UUID) -> None:
        with tenant_scope(house, "member", people[house]), unit_of_work() as session:
            queries.page_of_chats(session, SimpleNamespace(user_id=people[house]), 51, None, None)  # type: ignore[arg-type]

    page(houses[-1]), page(houses[-1])
    with db.engine.connect() as connection:
        pid: int = connection.connection.dbapi_connection.pgconn.backend_pid  # type: ignore[union-attr]

    def cost(does: Callable[[Any], Any], each: list[Any], share: int = 1) -> tuple[float, float]:
        spent = []
        for one in each:
            before = cpu_seconds([pid]), time.process_time()
            does(one)
            spent.append((cpu_seconds([pid]) - before[0], time.process_time() - before[1]))
        return median([one[0] for one in spent]) * 1e6 / share, median([one[1] for one in spent]) * 1e6 / share

    turns = houses[:TURNS]
    yield "a page of chats, a tenant's first on this backend", *cost(page, houses[:100])
    yield "…, the second to fifth, 36 tenants in turn", *cost(page, turns * 4)
    cost(page, turns * 4)
    yield "…, from then on", *cost(page, turns * 4)
    yield "…, one tenant again and again", *cost(page, houses[:1] * 200)
    alone = [(house, [_entry()]) for house in turns * 4]
    yield "a line of the access log, its tenant alone", *cost(lambda one: access_log._append(*one), alone)
    some = [{house: access_log._calls_for([_entry()]) for house in houses[:MOST]} for _ in range(40)]
    cost(lambda work: in_each("job:access_log", work), some[:20])
    yield f"…, {MOST} tenants together, for each", *cost(lambda work: in_each("job:access_log", work), some[20:], MOST)
    yield (
        "live numbers of a second, for each of 200 tenants",
        *cost(lambda _: _numbers(houses), [None] * 10, len(houses)),
    )


def _entry() -> str:
    about = {"occurred_at": rfc3339(now()), "id": uuid4().hex, "kind": "http", "method": "GET", "route": "/bench"}
    return json.dumps(
        {**about, "object": "", "status": 200, "duration_us": 1, "ip": "", "user_agent": "", "request_id": ""}
    )


def _numbers(houses: list[UUID]) -> None:
    for house in houses:
        counters.answered(house, 200, 0.003)
    board._flush(int(time.time()))


if __name__ == "__main__":
    main()
