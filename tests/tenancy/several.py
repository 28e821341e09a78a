"""A database of its own with four tenants, and migrations that can grow: for what creates and migrates many."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from onyx.tenancy import ledger, migrate, scripts
from tests.databases import one_more
from tests.waiting import PATIENT

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
        forget()
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
        deadline = time.monotonic() + PATIENT
        others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        while self.database.execute(others).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture(scope="module")
def several(addresses) -> Iterator[str]:
    """A migrated database with four tenants, a, b, c and d, to be copied for each test."""
    with one_more(addresses, "several") as name:
        yield name


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
        remove_prepared(database)
    monkeypatch.undo()
    forget()


def remove_prepared(database: psycopg.Connection[Any]) -> None:
    for (id,) in database.execute("delete from onyx.prepared_tenant returning tenant_id").fetchall():
        database.execute(f"drop schema tenant_{id.hex} cascade; drop role tenant_{id.hex}")


def forget() -> None:
    scripts.scripts.cache_clear()
    scripts.whole.cache_clear()
