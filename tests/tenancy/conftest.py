"""The stage of the attack: one module's world, in which everybody has something to lose."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from onyx.core.db import db
from tests.factories import belongings
from tests.tenancy import attack


@pytest.fixture(scope="module")
def stage(app, addresses, owner_url, world) -> Iterator[attack.Stage]:
    from contextlib import contextmanager

    from onyx.access.policy import permissions_of
    from onyx.core.actor import Actor
    from onyx.core.db import unit_of_work
    from onyx.core.scope import tenant_scope

    bare = attack.one_connection(addresses["DATABASE_URL"])

    @contextmanager
    def session_of(name):
        person = world[name]
        with bare.app_context(), tenant_scope(person.tenant.id, "member", person.id), unit_of_work() as session:
            yield session

    def actor(name):
        p = world[name]
        permissions = permissions_of((p.role,), p.tenant.slug)
        return Actor(p.tenant.id, p.tenant.slug, p.tenant.name, p.id, p.email, p.name, (p.role,), permissions)

    owns = {name: belongings(name, actor(name), session_of) for name in ("alice", "bob", "mallory", "greta", "dana")}
    with psycopg.connect(owner_url) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "select relname::text from pg_class where relnamespace = %s::regnamespace and relispartition"
                " and relkind = 'r' order by relname desc",
                [world.acme.schema],
            )
        ]
        key = connection.execute("select encode(ipad, 'hex') from onyx.context_key").fetchone()
    entry = next(name for name in names if name.startswith("access_entry"))
    event = next(name for name in names if name.startswith("audit_event"))
    values = attack.placeholders(world, owns, (event, entry))
    made = attack.Stage(bare, world, owns, addresses, values, attack.canaries(world, owns, [key[0][:24]]))
    made.fresh = attack.the_next_ones(made)
    assert made.fresh["bob"] == [owns["bob"].canary] and made.fresh["mallory"] == [owns["mallory"].canary]
    yield made
    with bare.app_context():
        db.engine.dispose()
