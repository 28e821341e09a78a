"""Chats and months of access logs of whatever age, and the job as the schedule runs it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import jobs.retention  # noqa: F401
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor, Request
from onyx.core.ids import uuid7
from onyx.tenancy.scripts import partitions
from tests.console.test_browser import visit  # noqa: F401
from tests.jobs.conftest import run_job  # noqa: F401
from tests.settings.conftest import allow, decide, events  # noqa: F401


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def old_chat(owner, session_of, actor_of, world) -> Callable[..., UUID]:
    """A chat whose last message is so many days old: `old_chat("alice", 40)`; its words are `secret <days>`."""

    def make(name: str, days: float, messages: int = 2) -> UUID:
        actor, id = actor_of(name), uuid7()
        with session_of(name) as session:
            run = session.connection().exec_driver_sql
            run(
                "insert into chat_session (user_id, id, title) values (%s, %s, %s)",
                (actor.user_id, id, f"title {days}"),
            )
            for _ in range(messages):
                run(
                    "insert into chat_message (user_id, id, chat_session_id, role, content)"
                    " values (%s, %s, %s, 'user', %s)",
                    (actor.user_id, uuid7(), id, f"secret {days}"),
                )
            record(session, actor, Action.CHAT_CREATED, target("chat", id))
        age(owner, world[name].tenant, id, days)
        return id

    return make


def age(owner, tenant, chat: UUID, days: float) -> None:
    owner.execute(
        f"update {tenant.schema}.chat_session set last_message_at = now() - %s * interval '1 day' where id = %s",
        [days, chat],
    )


@pytest.fixture
def later(owner) -> Callable[..., None]:
    """Have what a tenant has set aside lie there for so many days already."""

    def wait(tenant: Any, days: float) -> None:
        owner.execute(
            f"update {tenant.schema}.chat_session set set_aside_at = set_aside_at - %s * interval '1 day'"
            " where set_aside_at is not null",
            [days],
        )

    return wait


@pytest.fixture
def expire(run_job, owner) -> Callable[..., Any]:  # noqa: F811
    """Run the job wherever there is something to do, now."""

    theirs = [row[0] for row in owner.execute("select tenant_id from onyx.due where job = 'retention'")]

    def run() -> Any:
        others = "job = 'retention' and tenant_id = any (%s)"  # what other tests left behind
        owner.execute(f"update onyx.due set due_at = now() + interval '1 hour' where {others}", [theirs])
        owner.execute(
            "update onyx.due set due_at = now() where job = 'retention' and tenant_id <> all (%s)", [theirs]
        )  # also what a run that was killed had claimed
        return run_job("chats.expire")

    return run


@pytest.fixture
def chats(owner) -> Callable[..., dict[str, bool]]:
    """What there is in a tenant: id → whether it is set aside."""

    def of(tenant: Any) -> dict[str, bool]:
        found = owner.execute(f"select id, set_aside_at is not null from {tenant.schema}.chat_session").fetchall()
        return {str(id): aside for id, aside in found}

    return of


@pytest.fixture
def old_log(owner) -> Callable[..., str]:
    """A month of an access log so many months ago with so many lines: its partition's name."""

    def make(tenant: Any, months_ago: int, lines: int = 3) -> str:
        today = datetime.now(UTC).date()
        count = today.year * 12 + today.month - 1 - months_ago
        first = today.replace(year=count // 12, month=count % 12 + 1, day=1)
        owner.execute(partitions(tenant.id.hex, first, 1).encode())
        for number in range(lines):
            owner.execute(
                f"insert into {tenant.schema}.access_entry (occurred_at, id, kind, method, route, object, status,"
                " duration_us, ip) values (%s, %s, 'http', 'GET', '/x', %s, 200, 1, '192.0.2.1')",
                [
                    datetime(first.year, first.month, 2, tzinfo=UTC) + timedelta(seconds=number),
                    uuid7(),
                    f'line {number}\\ "é',
                ],
            )
        return f"access_entry_{first:%Y%m}"

    return make


@pytest.fixture
def partitions_of(owner) -> Callable[..., list[str]]:
    def of(tenant: Any, log: str = "access_entry") -> list[str]:
        found = owner.execute(
            "select relname from pg_class where relnamespace = to_regnamespace(%s) and relispartition and relkind = 'r'"
            " and relname ~ %s order by 1",
            [tenant.schema, f"^{log}_"],
        )
        return [row[0] for row in found]

    return of


@pytest.fixture
def steward() -> Callable[..., Actor]:
    def of(tenant: Any) -> Actor:
        return Actor(tenant.id, "", "", None, "", "Onyx", kind="job", request=Request("r", "STEWARD", "test"))

    return of
