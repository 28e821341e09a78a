"""Tenants prepared ahead: taken whole and once, never of another version, killed anywhere nothing half-made is left."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from onyx.tenancy import ledger, migrate, stock


@pytest.fixture
def prepared(place):
    """What is in stock, oldest first."""

    def look():
        return [
            row[0] for row in place.database.execute("select tenant_id from onyx.prepared_tenant order by prepared_at")
        ]

    return look


@pytest.fixture
def schemas(place):
    """The schemas that belong to no organisation."""

    def look():
        found = place.database.execute(
            "select nspname::text from pg_namespace where nspname like 'tenant_%' and nspname not in"
            " (select 'tenant_' || replace(id::text, '-', '') from onyx.tenant)"
        )
        return {row[0] for row in found}

    return look


def _slug() -> str:
    return f"new-{os.urandom(3).hex()}"


def test_a_prepared_one_is_taken_and_is_what_one_made_anew_is(place, prepared, schemas):
    anew = migrate.provision(place.owner_url, slug := _slug(), "Made anew")
    assert stock.fill(place.owner_url, 2) == 1 and stock.fill(place.owner_url, 2) == 0
    first, second = prepared()
    assert schemas() == {f"tenant_{first.hex}", f"tenant_{second.hex}"}
    assert migrate.provision(place.owner_url, taken := _slug(), "Taken") == first, "the one that waited longest"
    assert prepared() == [second]
    assert place.tables(taken) == place.tables(slug) and place.at(taken) == ledger.latest()
    rows = "select name, status, node, settings, skeleton is not null from onyx.tenant where id = any(%s) order by created_at"
    one, other = place.database.execute(rows, [[anew, first]]).fetchall()
    assert (one[0], other[0]) == ("Made anew", "Taken") and one[1:] == other[1:] == ("active", "main", {}, True)
    due = "select job from onyx.due where tenant_id = %s order by job"
    assert place.database.execute(due, [first]).fetchall() == place.database.execute(due, [anew]).fetchall() != []
    assert not migrate.pending(place.owner_url)


@pytest.mark.parametrize(
    ("slug", "error"), [("aaa", psycopg.errors.UniqueViolation), ("A!", psycopg.errors.CheckViolation)]
)
def test_a_refused_name_takes_none(place, prepared, slug, error):
    stock.fill(place.owner_url, 1)
    before = prepared()
    with pytest.raises(error):
        migrate.provision(place.owner_url, slug, "Refused")
    assert prepared() == before != []


def test_many_at_once_get_one_each_and_the_rest_are_made_anew(place, prepared):
    for _ in range(2):
        stock.fill(place.owner_url, 2)
    ready, wanted = prepared(), [_slug() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda slug: migrate.provision(place.owner_url, slug, slug), wanted))
    assert len(set(made)) == 4 and set(ready) < set(made) and prepared() == []
    assert all(place.tables(slug) == place.tables("aaa") for slug in wanted)


def test_one_whose_months_have_passed_gets_its_partitions(place, prepared):
    stock.fill(place.owner_url, 1)
    (old,) = prepared()
    for (name,) in place.database.execute(
        "select c.relname::text from pg_inherits i join pg_class c on c.oid = inhrelid"
        " where c.relnamespace = to_regnamespace(%s) and c.relkind = 'r'", [f"tenant_{old.hex}"]
    ).fetchall():  # fmt: skip
        place.database.execute(f"drop table tenant_{old.hex}.{name}")
    migrate.provision(place.owner_url, slug := _slug(), "Late")
    assert place.tables(slug) == place.tables("aaa")


def test_one_of_another_version_is_never_taken_and_makes_room(place, prepared, schemas):
    stock.fill(place.owner_url, 1)
    (old,) = prepared()
    number = place.grow()
    migrate.migrate_all(place.owner_url, lambda _: None)
    assert migrate.provision(place.owner_url, slug := _slug(), "New") != old
    assert place.at(slug) == number and prepared() == [old]
    assert stock.fill(place.owner_url, 1) == 0
    (new,) = prepared()
    assert schemas() == {f"tenant_{new.hex}"}, "the old one is gone"
    assert place.database.execute("select 1 from pg_roles where rolname = %s", [f"tenant_{old.hex}"]).fetchone() is None
    assert migrate.provision(place.owner_url, slug := _slug(), "Newer") == new
    assert ("project", 6) in place.tables(slug)


def test_an_older_version_prepares_nothing_where_a_newer_one_has_migrated(place, prepared):
    place.database.execute("insert into onyx.platform_migration (version, name) values (9999, 'of a newer version')")
    try:
        assert stock.fill(place.owner_url, 1) == 0 and prepared() == []
    finally:
        place.database.execute("delete from onyx.platform_migration where version = 9999")


DEATHS = [
    ("stock._prepare", "before"),
    ("stock._prepare", "during"),
    ("stock._prepare", "after"),
    ("stock.fill", "after"),
]


@pytest.mark.parametrize(("step", "when"), DEATHS)
def test_killed_while_one_is_prepared(place, prepared, schemas, step, when):
    place.run_and_die(step, when, "prepare")
    assert schemas() == {f"tenant_{id.hex}" for id in prepared()}, "nothing half-made"
    assert stock.fill(place.owner_url, 1) == 0 and len(prepared()) == 1


@pytest.mark.parametrize("step", ["stock.make_partitions", "stock.take"])
def test_killed_while_one_is_taken(place, prepared, schemas, step):
    stock.fill(place.owner_url, 1)
    (one,) = prepared()
    for log in ("audit_event", "access_entry"):  # so that it makes partitions
        (name,) = place.database.execute(
            "select max(c.relname::text) from pg_inherits i join pg_class c on c.oid = inhrelid where inhparent = %s::regclass",
            [f"tenant_{one.hex}.{log}"],
        ).fetchone()  # fmt: skip
        place.database.execute(f"drop table tenant_{one.hex}.{name}")
    slug = _slug()
    place.run_and_die(step, "after", "provision", slug)
    if step == "stock.take":
        assert prepared() == [] and place.tables(slug) == place.tables("aaa")
    else:
        assert prepared() == [one] and place.at(slug) is None and schemas() == {f"tenant_{one.hex}"}
        assert migrate.provision(place.owner_url, slug, slug) == one
        assert place.tables(slug) == place.tables("aaa")
