"""Creating and migrating many tenants: killed anywhere it goes on, and one that fails keeps no other (T11)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from onyx.tenancy import bootstrap, fleet, ledger, migrate, provisioning, scripts

ROOT = Path(__file__).resolve().parents[2]
COLUMN = "alter table project add column colour text;\nalter table project add column shade text;\n"


@dataclass
class Place:
    """A database of its own in the worker's server, and migrations that can grow."""

    owner_url: str
    folder: Path
    database: psycopg.Connection[Any]

    def grow(self, text: str = COLUMN) -> int:
        """One more script for tenants; its number."""
        number = ledger.latest() + 1
        (self.folder / "tenant" / f"{number:04}_grown.sql").write_text(text)
        _forget()
        return number

    def at(self, slug: str) -> int | None:
        row = self.database.execute(
            "select max(version) from onyx.tenant_migration m join onyx.tenant t on t.id = m.tenant_id"
            " where slug = %s and state = 'applied'",
            [slug],
        ).fetchone()
        return row[0] if row else None

    def tables(self, slug: str) -> list[tuple[str, int]]:
        """Each table of a tenant with its number of columns: what two tenants of one version have in common."""
        return self.database.execute(
            "select c.relname::text,"
            " (select count(*) from pg_attribute a where a.attrelid = c.oid and attnum > 0 and not attisdropped)"
            " from pg_class c"
            " join onyx.tenant t on c.relnamespace = to_regnamespace('tenant_' || replace(t.id::text, '-', ''))"
            " where t.slug = %s and c.relkind in ('r', 'p', 'i') order by 1, 2",
            [slug],
        ).fetchall()

    def run_and_die(self, step: str, when: str, *work: str, count: int = 1) -> None:
        environment = {**os.environ, "OWNER_URL": self.owner_url, "MIGRATIONS": str(self.folder)}
        command = [sys.executable, "-m", "tests.tenancy.killed", step, when, str(count), *work]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL, done.stderr
        self.wait_until_quiet()

    def wait_until_quiet(self) -> None:
        """PostgreSQL ends what a dead client had sent, then looks whether anybody is there."""
        deadline = time.monotonic() + 20
        others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        while self.database.execute(others).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture(scope="module")
def several(addresses) -> Iterator[str]:
    """A migrated database with four tenants, a, b, c and d, to be copied for each test."""
    name = f"several_{os.urandom(4).hex()}"
    passwords = [unquote(urlsplit(addresses[one]).password or "") for one in ("DATABASE_OWNER_URL", "DATABASE_URL")]
    bootstrap.bootstrap(addresses["DATABASE_SUPERUSER_URL"], *passwords, database=name)
    yield name
    with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def populated(several, addresses) -> str:
    url = make_conninfo(addresses["DATABASE_OWNER_URL"], dbname=several)
    migrate.migrate_all(url, say=lambda _: None)
    for slug in ("aaa", "bbb", "ccc", "ddd"):
        migrate.provision(url, slug, slug)
    return url


@pytest.fixture
def place(populated, tmp_path, monkeypatch) -> Iterator[Place]:
    folder = tmp_path / "migrations"
    shutil.copytree(scripts.ROOT, folder)
    monkeypatch.setattr(scripts, "ROOT", folder)
    with psycopg.connect(populated, autocommit=True) as database:
        made = Place(populated, folder, database)
        yield made
        # Back to where the next test begins.
        for (hex,) in database.execute("select replace(id::text, '-', '') from onyx.tenant").fetchall():
            for column in ("colour", "shade"):
                database.execute(f"alter table if exists tenant_{hex}.project drop column if exists {column}")
        database.execute("delete from onyx.tenant_migration where name = 'grown'")
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    scripts.scripts.cache_clear()
    scripts.whole.cache_clear()


PROVISIONING = [
    ("provisioning._reserve", "before"),
    ("provisioning._reserve", "after"),
    ("provisioning._open", "before"),
    ("provisioning._open", "during"),
    ("provisioning._open", "after"),
]


@pytest.mark.parametrize(("step", "when"), PROVISIONING)
def test_a_killed_creation_is_finished_by_the_next(place, step, when):
    slug = f"new-{os.urandom(3).hex()}"
    place.run_and_die(step, when, "provision", slug)
    half = place.database.execute("select id, status from onyx.tenant where slug = %s", [slug]).fetchone()
    if half and half[1] == "active":
        assert place.tables(slug) == place.tables("aaa"), "what is called active is whole"
        with pytest.raises(psycopg.errors.UniqueViolation):
            migrate.provision(place.owner_url, slug, slug)
    else:
        assert place.tables(slug) == [], "nothing half-made is to be seen"
        made = migrate.provision(place.owner_url, slug, slug)
        assert half is None or made == half[0]
    assert place.tables(slug) == place.tables("aaa") and place.at(slug) == place.at("aaa")


def test_of_two_who_create_the_same_at_once_one_is_refused(place, monkeypatch):
    """The second comes when the first has its row: it finds what looks like left behind, waits, and learns better."""
    slug, real, rivals = f"twice-{os.urandom(3).hex()}", provisioning._open, []

    def with_a_rival(main, tenant, built):
        if not rivals:
            rivals.append(pool.submit(migrate.provision, place.owner_url, slug, slug))
            time.sleep(0.5)
        real(main, tenant, built)

    monkeypatch.setattr(provisioning, "_open", with_a_rival)
    with ThreadPoolExecutor(1) as pool:
        migrate.provision(place.owner_url, slug, slug)
        with pytest.raises(psycopg.errors.UniqueViolation):
            rivals[0].result()
    assert place.tables(slug) == place.tables("aaa")


MIGRATION = [
    ("migrate._prepare", "before", 1),
    ("migrate._prepare", "after", 1),
    ("fleet.migrate_tenants", "before", 1),
    ("fleet._apply", "before", 1),
    ("fleet._apply", "during", 2),
    ("fleet._apply", "after", 2),
    ("fleet._apply", "before", 4),
    ("fleet.migrate_tenants", "after", 1),
]


@pytest.mark.parametrize(("step", "when", "count"), MIGRATION)
def test_a_killed_migration_goes_on_where_it_was(place, step, when, count):
    number = place.grow()
    place.run_and_die(step, when, "migrate", count=count)
    for slug in ("aaa", "bbb", "ccc", "ddd"):
        columns = dict(place.tables(slug))["project"]
        # What the ledger says is what is there, whenever it died: a script and its line are one transaction.
        assert (place.at(slug) == number) == (columns == 6), slug
    migrate.migrate_all(place.owner_url, lambda _: None)
    assert {place.at(slug) for slug in ("aaa", "bbb", "ccc", "ddd", "platform")} == {number}
    assert not migrate.pending(place.owner_url)


def test_one_that_fails_keeps_no_other_and_the_ledger_says_why(place):
    number = place.grow()
    (id,) = place.database.execute("select id from onyx.tenant where slug = 'bbb'").fetchone()
    place.database.execute(f"alter table tenant_{id.hex}.project add column shade text")
    said: list[str] = []
    with pytest.raises(migrate.MigrationFailed, match=r"tenant bbb, .*already exists") as failed:
        migrate.migrate_all(place.owner_url, said.append)
    assert list(failed.value.failed) == ["bbb"]
    assert [place.at(slug) for slug in ("aaa", "ccc", "ddd")] == [number] * 3 and place.at("bbb") < number
    state, error = place.database.execute(
        "select state, error from onyx.tenant_migration where tenant_id = %s and version = %s", [id, number]
    ).fetchone()
    assert state == "failed" and "already exists" in error
    assert ("project", 5) in place.tables("bbb"), "its first statement was taken back with the second"
    assert migrate.pending(place.owner_url)
    # Repaired, it is done alone; done again, nothing happens.
    place.database.execute(f"alter table tenant_{id.hex}.project drop column shade")
    assert migrate.migrate_all(place.owner_url, said.append, only=id) == 1
    assert migrate.migrate_all(place.owner_url, said.append) == 0
    assert place.at("bbb") == number


def test_one_whose_table_is_in_use_is_left_for_later(place, monkeypatch):
    monkeypatch.setattr(fleet, "_PATIENCE", "100ms")
    number = place.grow()
    (id,) = place.database.execute("select id from onyx.tenant where slug = 'aaa'").fetchone()
    with psycopg.connect(place.owner_url) as busy:
        busy.execute(f"lock table tenant_{id.hex}.project in access share mode")
        with pytest.raises(migrate.MigrationFailed, match="lock timeout"):
            migrate.migrate_all(place.owner_url, lambda _: None)
        assert {place.at(slug) for slug in ("bbb", "ccc", "ddd")} == {number}
    assert migrate.migrate_all(place.owner_url, lambda _: None) == 1


def test_two_workers_work_at_the_same_time(place, monkeypatch):
    place.grow("select pg_sleep(0.3);")
    began = time.monotonic()
    assert migrate.migrate_all(place.owner_url, lambda _: None) >= 5
    together = time.monotonic() - began
    place.database.execute("delete from onyx.tenant_migration where name = 'grown'")
    began = time.monotonic()
    migrate.migrate_all(place.owner_url, lambda _: None, workers=1)
    assert together < 0.8 * (time.monotonic() - began)


def test_a_new_tenant_is_what_migrations_one_by_one_would_have_made(place):
    """The prepared script and the scripts applied one after the other leave the same."""
    place.grow()
    migrate.migrate_all(place.owner_url, lambda _: None)
    slug = f"new-{os.urandom(3).hex()}"
    migrate.provision(place.owner_url, slug, slug)
    assert place.tables(slug) == place.tables("aaa") and ("project", 6) in place.tables(slug)


def test_nothing_to_do_takes_a_few_queries_whatever_the_number_of_tenants(place):
    """Compared, not timed: statements of a run that finds nothing, with four tenants and with eight."""

    def statements() -> int:
        seen: list[str] = []
        real = psycopg.Connection.execute

        def counted(self: Any, query: Any, *more: Any, **options: Any) -> Any:
            seen.append(str(query))
            return real(self, query, *more, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", counted)
            assert migrate.migrate_all(place.owner_url, lambda _: None) == 0
        return len(seen)

    migrate.migrate_all(place.owner_url, lambda _: None)
    before = statements()
    for _ in range(4):
        migrate.provision(place.owner_url, f"more-{os.urandom(3).hex()}", "More")
    assert statements() == before < 12
