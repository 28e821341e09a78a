"""The number of statements does not grow with the number of rows (each is planned anew: few, and always as many)."""

from __future__ import annotations

from contextlib import contextmanager
from threading import get_ident

import pytest
from sqlalchemy import event

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.db import db
from onyx.core.ids import uuid7

LISTS = {
    "/api/v1/sessions": ("alice", 3),
    "/api/v1/projects": ("alice", 3),
    "/api/v1/files": ("alice", 3),
    "/api/v1/auth/sessions": ("alice", 3),
    "/api/v1/live-sessions": ("dana", 4),
    "/api/v1/users": ("dana", 5),
    "/api/v1/api-keys": ("alice", 3),
    "/api/v1/tenant/api-keys": ("dana", 4),
}


@contextmanager
def counted(app):
    """The statements that the application sends meanwhile, contexts aside."""
    seen: list[str] = []
    asker = get_ident()

    def note(_connection, _cursor, statement, *_):
        if get_ident() != asker:  # threads of the application have their own work
            return
        if "set_config" not in statement and "revocation" not in statement and "cache_generation" not in statement:
            seen.append(statement)

    with app.app_context():
        engines = list(db.engines.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def _more(name, actor, session_of, sign_in):
    with session_of(name) as session:
        for number in range(30):
            id = uuid7()
            run = session.connection().exec_driver_sql
            run(
                "insert into chat_session (user_id, id, title) values (%s, %s, %s)",
                (actor.user_id, id, f"chat {number}"),
            )
            run("insert into project (user_id, id, name) values (%s, %s, %s)", (actor.user_id, id, f"project {number}"))
            run("insert into user_file (user_id, id, name, media_type, size, sha256, content) values (%s, %s, %s, 'text/plain', 1, '', 'x')",
                (actor.user_id, id, f"file {number}"))  # fmt: skip
        record(session, actor, Action.CHAT_CREATED, target("chat", ""))
    for _ in range(5):
        sign_in(name)


@pytest.mark.parametrize("path", LISTS)
def test_lists_take_as_many_statements_for_thirty_rows_as_for_one(app, path, client_of, actor_of, session_of, sign_in):
    name, most = LISTS[path]
    client = client_of(name)
    client.get(path)
    with counted(app) as few:
        assert client.get(path).status_code == 200
    _more(name, actor_of(name), session_of, sign_in)
    with counted(app) as many:
        assert client.get(path).status_code == 200
    assert len(many) == len(few) <= most, many
