"""What is private is never handed over, whatever SQL runs in whichever purpose (T3, T5)."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from onyx.core.db import rows
from onyx.core.ids import uuid7
from tests.projects.test_sharing import read, shared_project


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def sql(session_of):
    """Run a statement as one of the cast, in a purpose; its rows, or the SQLSTATE with which it was refused."""

    def run(name, purpose, statement):
        try:
            with session_of(name, purpose) as session:
                found = rows(session, statement)
                session.rollback()
                return found
        except DBAPIError as error:
            return error.orig.sqlstate

    return run


def test_private_projects_are_not_handed_over(client_of, world, sql, owner):
    alice, bob = client_of("alice"), client_of("bob")
    _, (secret,) = shared_project(alice, None)
    hand_over = f"select * from transfer_projects('{world.alice.id}', '{world.bob.id}')"
    assert sql("dana", "admin", hand_over) == [], "nobody reads it: there is nothing to hand over"
    _project, (file,) = shared_project(alice, world.bob.email)
    assert sql("dana", "admin", hand_over) == "ON003", "not without the sealed copy, which only the job makes"
    for name, purpose in (("bob", "member"), ("alice", "member"), ("alice", "job:transfer"), ("carol", "auditor")):
        assert sql(name, purpose, hand_over) == "42501", purpose
    assert sql("dana", "admin", hand_over.replace(str(world.bob.id), str(world.mallory.id))) == "ON003"
    assert read(bob, secret).status_code == 404 and read(alice, file).status_code == 200


def test_nothing_is_handed_over_of_somebody_who_stays(client_of, world, session_of, owner):
    """SQL that comes into an administrator's transaction can call the function; the commit asks for the deletion."""
    alice, bob = client_of("alice"), client_of("bob")
    _project, (file,) = shared_project(alice, world.bob.email)
    owner.execute(f"alter table {world.acme.schema}.user_file disable trigger user")
    owner.execute(f"update {world.acme.schema}.user_file set sealed = null, content = 'plain' where id = %s", [file])
    owner.execute(f"alter table {world.acme.schema}.user_file enable trigger user")
    hand_over = f"select project_id, files from transfer_projects('{world.alice.id}', '{world.bob.id}')"
    event = (
        f'select {world.acme.schema}.audit_append(\'[{{"event_id": "{uuid7()}", "occurred_at": "2026-01-01",'
        ' "action": "user.changed", "schema_version": 1, "outcome": "success"}]\')'
    )
    for around in ((), ("set constraints all deferred",), ("savepoint s",)):
        with pytest.raises(DBAPIError) as refused, session_of("dana", "admin") as session:
            for statement in (event, *around, hand_over):
                found = session.connection().exec_driver_sql(statement)
            assert len(found.all()) == 1, "these ears hear: inside the transaction it went over"
        assert refused.value.orig.sqlstate == "ON003"
    with pytest.raises(DBAPIError) as refused, session_of("dana", "admin") as session:
        for statement in (event, hand_over, "set constraints all immediate"):
            session.connection().exec_driver_sql(statement)
    assert refused.value.orig.sqlstate == "ON003"
    for name in ("dana", "alice", "bob"):
        with pytest.raises(DBAPIError), session_of(name, "admin") as session:
            session.connection().exec_driver_sql(f"delete from handed_over where user_id = '{world.alice.id}'")
    assert read(alice, file).status_code == 200 and read(bob, file).status_code == 200
    owners = f"select distinct user_id from {world.acme.schema}.user_file where id = %s"
    assert owner.execute(owners, [file]).fetchall() == [(world.alice.id,)]


def test_who_reads_cannot_be_made_up(client_of, world, sql):
    alice = client_of("alice")
    project, (_file,) = shared_project(alice, None)
    wish = f"values ('{world.alice.id}', '{project}', '{world.bob.id}') returning 1"
    for name, purpose in (("alice", "member"), ("bob", "member"), ("dana", "admin"), ("alice", "job:transfer")):
        assert sql(name, purpose, f"insert into project_member (user_id, project_id, member_id) {wish}") == "42501"
    assert sql("bob", "member", f"select share_project('{project}', '\\x00') as member")[0].member is None


def test_each_purpose_sees_its_part_and_no_more(client_of, world, sql):
    alice = client_of("alice")
    shared_project(alice, None, text="private")
    _project, (file,) = shared_project(alice, world.bob.email)
    content = f"select id from shared_file('{file}')"
    list_them = (
        f"select id, sealed from files_to_hand_over('{world.bob.id}', '00000000-0000-0000-0000-000000000000', 100)"
    )
    assert [str(row.id) for row in sql("bob", "member", content)] == [file], "these ears hear"
    assert [str(row.id) for row in sql("alice", "job:transfer", list_them)] == [file], (
        "the private one is not sealed anew"
    )
    for name, purpose in (
        ("dana", "admin"),
        ("dana", "member"),
        ("carol", "auditor"),
        ("bob", "auth"),
        ("bob", "job:transfer"),
    ):
        assert sql(name, purpose, content) == [], purpose
        assert sql(name, purpose, list_them) == [], purpose
    assert len(sql("dana", "admin", f"select files from person_shares('{world.alice.id}')")) == 1
    for name, purpose in (("bob", "member"), ("carol", "auditor"), ("alice", "job:transfer")):
        assert sql(name, purpose, f"select files from person_shares('{world.alice.id}')") == [], purpose
    assert (
        sql("dana", "admin", "select * from project_member")
        == sql("dana", "admin", "select * from file_handover")
        == []
    )
