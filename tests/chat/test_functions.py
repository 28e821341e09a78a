"""The seed's database functions under row-level security (X4), and the wall around message rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from onyx.core.db import rows

Client = Callable[..., Any]


@pytest.fixture
def turn(client_of: Client) -> dict[str, Any]:
    found: dict[str, Any] = client_of("alice").post("/chat", json={"text": "a granite bridge"}).get_json()["data"]
    return found


def test_the_owner_reads_and_nobody_else_whatever_they_name(
    turn: dict[str, Any], session_of: Client, world: Any
) -> None:
    chat = UUID(turn["session_id"])
    with session_of("alice") as session:
        mine = rows(session, "select * from get_user_sessions(%s, 10)", world.alice.id)
        assert chat in [row.id for row in mine]
        found = rows(session, "select * from get_session_messages(%s, 10, 0)", chat)
        assert [row.role for row in found] == ["user", "assistant"] and [row.seq for row in found] == [1, 2]
        assert len(rows(session, "select * from get_session_messages(%s, 1, 1)", chat)) == 1
        assert rows(session, "select * from search_messages('granite'::tsquery, 10)")
    for name, purpose in (
        ("bob", "member"),
        ("dana", "admin"),
        ("carol", "auditor"),
        ("alice", "auth"),
        ("alice", "admin"),
    ):
        with session_of(name, purpose) as session:
            assert rows(session, "select * from get_user_sessions(%s, 10)", world.alice.id) == []
            assert rows(session, "select * from get_session_messages(%s, 10, 0)", chat) == []
            assert rows(session, "select * from search_messages('granite'::tsquery, 10)") == []


def test_a_message_cannot_be_hung_into_anothers_chat(turn: dict[str, Any], session_of: Client, world: Any) -> None:
    statement = "insert into chat_message (user_id, id, chat_session_id, role, content) values (%s, gen_random_uuid(), %s, 'user', 'x')"
    for user in (world.bob.id, world.alice.id):
        with pytest.raises(DBAPIError), session_of("bob") as session:
            session.connection().exec_driver_sql(statement, (user, UUID(turn["session_id"])))


def test_a_finished_message_is_never_changed(turn: dict[str, Any], session_of: Client) -> None:
    with session_of("alice") as session:
        for id in (turn["message_id"], turn["reply_id"]):
            changed = session.connection().exec_driver_sql(
                "update chat_message set content = 'other' where id = %s", (UUID(id),)
            )
            assert changed.rowcount == 0
    with pytest.raises(DBAPIError), session_of("alice") as session:
        session.connection().exec_driver_sql("delete from chat_message where id = %s", (UUID(turn["message_id"]),))


def test_a_new_message_moves_its_chat_to_the_top(client_of: Client) -> None:
    alice = client_of("alice")
    first = alice.post("/chat", json={"text": "first"}).get_json()["data"]["session_id"]
    second = alice.post("/chat", json={"text": "second"}).get_json()["data"]["session_id"]
    newest = lambda: [c["id"] for c in alice.get("/api/v1/sessions?limit=2").get_json()["data"]]  # noqa: E731
    assert newest() == [second, first]
    alice.post("/chat", json={"text": "again", "session_id": first})
    assert newest() == [first, second]


def test_a_message_counts_for_whoever_the_context_names_and_without_one_not_at_all(
    session_of: Client, world: Any, owner: Any
) -> None:
    seen = f"select user_id, sum(used) from {world.acme.schema}.usage_day where metric = 'messages' group by user_id"
    before = dict(owner.execute(seen).fetchall())
    with session_of("bob") as session:
        rows(session, "select count_message()")
    assert dict(owner.execute(seen).fetchall()) == {**before, world.bob.id: before.get(world.bob.id, 0) + 1}
    for name, purpose in (("bob", "auth"), ("carol", "auditor")):
        with pytest.raises(DBAPIError, match="no valid context"), session_of(name, purpose) as session:
            rows(session, "select count_message()")
    assert sum(dict(owner.execute(seen).fetchall()).values()) == sum(before.values()) + 1
