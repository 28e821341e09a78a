"""A tenant with something in every kind of table, and archives of it."""

from __future__ import annotations

import pytest

from onyx.backups import making
from onyx.core.actor import Actor, Request
from tests.factories import belongings


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def operator(world):
    where = Request("r", "CLI", "test")
    return Actor(world.platform.id, "platform", "Platform", None, "", "operator test", kind="operator", request=where)


@pytest.fixture
def full(owner, world, actor_of, session_of):
    """Alice, Bob and Lee have chats, messages, files and projects with their canaries in them; there are invitations by
    Alice and by nobody.
    """
    with owner.transaction():
        owner.execute(f"alter table {world.acme.schema}.invitation disable trigger user")
        for name, inviter in (("a", world.alice.id), ("p", None)):
            owner.execute(
                f"insert into {world.acme.schema}.invitation (id, email, email_digest, roles, token_digest, invited_by,"
                " expires_at) values (gen_random_uuid(), %s, %s, '{admin}', %s, %s, now() + interval '1 day')",
                [name, name.encode(), name.encode(), inviter],
            )
        owner.execute(f"alter table {world.acme.schema}.invitation enable trigger user")
    return {name: belongings(name, actor_of(name), session_of) for name in ("alice", "bob", "lee")}


@pytest.fixture
def made(app, owner_url, folder, world, full, operator):
    """A backup of Acme: what make() says of it."""
    return making.make(owner_url, folder, world.acme.id, operator)


def contents(owner, schema):
    """Every row of every table of a schema, as text: what two schemas must have in common."""
    tables = owner.execute(
        "select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'p')"
        " and not relispartition",
        [schema],
    ).fetchall()
    return {
        name: sorted(row[0] for row in owner.execute(f'select t::text from {schema}."{name}" t')) for (name,) in tables
    }
