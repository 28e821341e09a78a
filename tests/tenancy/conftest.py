"""The stage of the attack: one module's world, in which everybody has something to lose; and a second machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from onyx import embedded
from onyx.app import create_app, load_settings
from onyx.core import db as database
from onyx.core.db import db
from onyx.core.wire import Wire
from onyx.tenancy import bootstrap, migrate, nodes
from tests import afterwards
from tests.cast import Tenant
from tests.conftest import let_go
from tests.factories import belongings
from tests.tenancy import attack
from tests.tenancy.several import place, populated, several  # noqa: F401 (fixtures)


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
    event, entry, key = _what_there_is(owner_url, world)
    values = attack.placeholders(world, owns, (event, entry))
    made = attack.Stage(bare, world, owns, addresses, values, attack.canaries(world, owns, [key[:24]]))
    made.fresh = attack.the_next_ones(made)
    assert made.fresh["bob"] == [owns["bob"].canary] and made.fresh["mallory"] == [owns["mallory"].canary]
    yield made
    if made.watcher is not None:
        made.watcher.close()
    with bare.app_context():
        db.engine.dispose()


def _what_there_is(owner_url: str, world: Any) -> tuple[str, str, str]:
    """The newest partitions of Acme's trail and access log, and the secret that signs contexts."""
    with psycopg.connect(owner_url) as connection:
        found = connection.execute(
            "select relname::text from pg_class where relnamespace = %s::regnamespace and relispartition"
            " and relkind = 'r' order by relname desc",
            [world.acme.schema],
        )
        names = [row[0] for row in found]
        key = connection.execute("select encode(ipad, 'hex') from onyx.context_key").fetchone()
    assert key is not None
    event, entry = (next(name for name in names if name.startswith(log)) for log in ("audit_event", "access_entry"))
    return event, entry, key[0]


@dataclass
class Two:
    """The second machine, and an application that knows it."""

    var: Path
    owner_url: str
    app: Any
    owner: psycopg.Connection[Any]

    def has(self, tenant: Tenant) -> bool:
        return self.owner.execute("select to_regnamespace(%s) is not null", [tenant.schema]).fetchone() == (True,)


@pytest.fixture(scope="session")
def second(addresses) -> Iterator[tuple[Path, dict[str, str]]]:
    """The second machine's data folder and addresses, for all modules of this run."""
    with tempfile.TemporaryDirectory(prefix="onyx-two-") as folder:
        var = Path(folder)
        var.chmod(0o711)
        afterwards.look_after(var)
        found = embedded.start(var, lambda _: None)
        try:
            passwords = [unquote(urlsplit(found[one]).password or "") for one in ("DATABASE_OWNER_URL", "DATABASE_URL")]
            bootstrap.bootstrap(found["DATABASE_SUPERUSER_URL"], *passwords)
            yield var, found
        finally:
            embedded.stop(var)


@pytest.fixture(scope="module")
def two(app, addresses, second) -> Iterator[Two]:
    """An application that knows both machines; for one module, since placement is the whole process's."""
    try:
        yield from _with_app(addresses, second[1], second[0])
    finally:
        with psycopg.connect(addresses["DATABASE_OWNER_URL"]) as main:
            for (tenant,) in main.execute("select id from onyx.tenant where node = 'two'").fetchall():
                main.execute("delete from onyx.user_key where tenant_id = %s", [tenant])
                main.execute("delete from onyx.tenant_key where tenant_id = %s", [tenant])
                main.execute("delete from onyx.tenant where id = %s", [tenant])
        nodes.install({})
        database.place(None)


def _with_app(addresses, found, var) -> Iterator[Two]:
    settings = load_settings().model_copy(
        update={
            "rate_limits": False,
            "database_nodes": f"two={found['DATABASE_URL']}",
            "database_owner_nodes": f"two={found['DATABASE_OWNER_URL']}",
        }
    )
    made = create_app(settings)
    made.extensions["onyx"].bus.start(made)
    migrate.migrate_all(addresses["DATABASE_OWNER_URL"], lambda _: None)
    with psycopg.connect(found["DATABASE_OWNER_URL"], autocommit=True) as owner:
        two = Two(var, found["DATABASE_OWNER_URL"], made, owner)
        yield two
        two.owner.close()
    made.extensions["onyx"].bus.stop()
    with made.app_context():
        for engine in db.engines.values():
            let_go(engine)


@pytest.fixture
def trips(monkeypatch):
    """How many round trips to PostgreSQL there were."""
    made: list[str] = []
    for name in ("_send", "_run"):
        before = getattr(Wire, name)

        def counted(self, *asked, _before=before, **more):
            made.append(_before.__name__)
            return _before(self, *asked, **more)

        monkeypatch.setattr(Wire, name, counted)
    return made
