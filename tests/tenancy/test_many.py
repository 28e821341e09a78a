"""Creating and migrating many tenants: killed anywhere it goes on, and one that fails keeps no other (T11)."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from onyx.core.ids import uuid7
from onyx.tenancy import catalogue, fleet, migrate, provisioning, scripts, structure
from tests.waiting import until

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
    """The script waits for a lock that the test holds until as many wait as there are workers."""
    monkeypatch.setattr(fleet, "_PATIENCE", "10min")
    place.grow("select pg_advisory_xact_lock_shared(4711);")
    migrate.migrate_all(place.owner_url, lambda _: None)  # what new tenants are made of is prepared, by one alone
    lock = "locktype = 'advisory' and objid = 4711 and database = (select oid from pg_database where datname = current_database())"
    waiting = f"select count(*) from pg_locks where {lock} and not granted"

    def at_once(workers):
        place.database.execute("delete from onyx.tenant_migration where name = 'grown'")
        with ThreadPoolExecutor(1) as pool, psycopg.connect(place.owner_url) as holder:
            holder.execute("select pg_advisory_xact_lock(4711)")
            done = pool.submit(migrate.migrate_all, place.owner_url, lambda _: None, workers=workers)
            until(lambda: done.done() or place.database.execute(waiting).fetchone() == (workers,))
            time.sleep(0.3)  # one more than there should be would come too
            found = place.database.execute(waiting).fetchone()[0]
            holder.rollback()
            assert done.result() >= 5
        return found

    assert [at_once(workers) for workers in (2, 1)] == [2, 1]


def test_a_new_tenant_is_what_migrations_one_by_one_would_have_made(place):
    """The prepared script and the scripts applied one after the other leave the same."""
    place.grow()
    migrate.migrate_all(place.owner_url, lambda _: None)
    slug = f"new-{os.urandom(3).hex()}"
    migrate.provision(place.owner_url, slug, slug)
    assert place.tables(slug) == place.tables("aaa") and ("project", 6) in place.tables(slug)
    with place.database.transaction(force_rollback=True):
        one, other = uuid7(), uuid7()
        place.database.execute(structure.script(place.database, one).encode())
        for each in scripts.scripts("tenant"):
            place.database.execute(each.render(other.hex).encode())
        structure.make_partitions(place.database, other, 2)
        place.database.execute("set local search_path = ''")
        lines = [_catalogue(place.database, tenant) for tenant in (one, other)]
    assert lines[0] == lines[1] and any("granted" in line for line in lines[0])


def _catalogue(database, tenant):
    found = database.execute(catalogue._CATALOGUE.encode(), {"schema": f"tenant_{tenant.hex}"}).fetchall()
    return {catalogue._without_ids(row[0], tenant) for row in found}


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
