"""kill -9 at every step of a backup and of a restore: nothing half-done is seen, and the next run finishes (T12)."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from onyx.backups import making
from onyx.backups.tables import tables
from onyx.core.ids import parse_id
from tests.backups.conftest import contents


@pytest.fixture
def killed(owner_url, world, folder, addresses):
    """Run killed.py: `killed("backup", steps, look)` calls `look(step)` after each kill."""

    def run(work, steps, look, **more):
        told = {
            "work": work, "owner_url": owner_url, "folder": str(folder), "tenant": str(world.acme.id),
            "platform": str(world.platform.id), **more,
        }  # fmt: skip

        words = [sys.executable, "-m", "tests.backups.killed", json.dumps({**told, "kill": steps})]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                said = json.loads(line)
                assert said["signal"] == signal.SIGKILL, f"{said['step']} was not reached"
                _rolled_back(owner_url)
                look(said["step"])
                process.stdin.write("\n")
                process.stdin.flush()
        assert process.returncode == 0

    return run


def _rolled_back(owner_url):
    """The server ends what the killed one had begun as soon as it notices."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for _ in range(6000):
            busy = connection.execute(
                "select count(*) from pg_stat_activity where usename = 'onyx_owner' and state <> 'idle'"
                " and xact_start is not null and pid <> pg_backend_pid()"
            ).fetchone()[0]
            if not busy:
                return
            time.sleep(0.05)
    raise AssertionError("a killed run still holds its transaction after five minutes")


def _seen(owner, world, folder):
    """All that anybody could see of a backup or a restore."""
    rows = contents(owner, world.acme.schema)
    return {
        "tenants": owner.execute("select id, slug, status from onyx.tenant order by id").fetchall(),
        "schemas": owner.execute("select nspname from pg_namespace where nspname ~ '^(tenant_|replaced)'").fetchall(),
        "roles": owner.execute("select rolname from pg_roles where rolname ~ '^tenant_' order by 1").fetchall(),
        "directory": owner.execute("select count(*) from onyx.directory").fetchone(),
        "keys": owner.execute("select count(*) from onyx.tenant_key").fetchone(),
        "backups": owner.execute("select id from onyx.backup where state = 'done' order by id").fetchall(),
        "files": sorted(path.name for path in folder.rglob("*.onyx")),
        "rows": hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest(),
    }


@pytest.fixture
def some_tables(owner, world):
    """Every table with EVERY_STEP=1; else, since all go through the same lines, the first two, one, and the last."""
    names = [table.name for table in tables(owner, world.acme.schema)]
    return names if os.environ.get("EVERY_STEP") == "1" else [*names[:2], names[len(names) // 2], names[-1]]


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_no_backup(
    owner, owner_url, world, full, made, folder, killed, some_tables, operator
):
    before = _seen(owner, world, folder)

    def look(step):
        seen = _seen(owner, world, folder)
        if step == "file in its place":  # on the disk, but nobody is told of it
            assert len(seen["files"]) == 2
            seen["files"] = before["files"]
        assert seen == before, step

    written = [f"table {name} written" for name in some_tables]
    steps = ["begun", "snapshot taken", *written, "last frame written", "file in its place"]
    killed("backup", steps, look)
    again = making.make(owner_url, folder, world.acme.id, operator)
    assert len(list(folder.rglob("*.onyx*"))) == 2, "what was cut off is cleared"
    states = owner.execute(
        "select state, count(*) from onyx.backup where tenant_id = %s group by 1", [world.acme.id]
    ).fetchall()
    assert dict(states) == {"done": 2, "failed": len(steps)}
    assert making.rehearse(owner_url, folder, parse_id(again["id"]), operator)["ok"]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["in place", "beside"])
def test_a_restore_that_is_killed_has_not_happened(owner, world, full, folder, made, killed, some_tables, where):
    more = {} if where == "in place" else {"slug": f"{world.acme.slug}-k"}
    before = _seen(owner, world, folder)

    def look(step):
        seen = _seen(owner, world, folder)
        assert (seen == before) == (step != "committed"), step

    loaded = [f"table {name} loaded" for name in some_tables]
    dropped = ["old schema dropped"] if where == "in place" else []
    steps = ["schema built", *loaded, "verified", "migrated", *dropped, "ready to commit", "committed"]
    killed("restore", steps, look, path=made["path"], **more)
    there = owner.execute(
        "select count(*) from onyx.tenant where status = 'active' and slug like %s", [f"{world.acme.slug}%"]
    ).fetchone()[0]
    assert there == (1 if where == "in place" else 2)
