"""A backup is one moment of a tenant in use; it fails loudly, and old ones go (T12, J2)."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.backups import due, making, restore
from onyx.backups.operations import BACKUP, DRILL
from onyx.backups.restore import Source
from onyx.core.db import rows
from onyx.core.ids import parse_id, uuid7
from onyx.tenancy.steward import Refused


def test_a_backup_is_one_moment_while_people_work(app, owner, owner_url, folder, world, full, operator, session_of):
    """Each turn writes two rows in one transaction: a backup that saw one of them alone would be no moment."""
    done = threading.Event()
    person, chat = world.alice.id, full["alice"].chat

    def work():
        while not done.is_set():
            with session_of("alice") as session:
                for role in ("user", "assistant"):
                    rows(
                        session,
                        "insert into chat_message (user_id, id, chat_session_id, role, content) values (%s, %s, %s, %s, 'x')"
                        " returning id",
                        person, uuid7(), chat, role,
                    )  # fmt: skip
                record(session, _actor(world), Action.MESSAGE_SENT, target("chat", chat))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        sizes = []
        for number in range(2):
            made = making.make(owner_url, folder, world.acme.id, operator)
            slug = f"{world.acme.slug}-{number}"
            went = restore.restore(owner_url, Source(Path(made["path"])), operator, slug=slug)
            schema = f"tenant_{parse_id(went['tenant_id']).hex}"
            messages, counted, events = owner.execute(
                f"select (select count(*) from {schema}.chat_message where content = 'x'),"
                f" (select message_count from {schema}.chat_session where user_id = %s and id = %s),"
                f" (select count(*) from {schema}.audit_event where action = 'message.sent')",
                [person, chat],
            ).fetchone()
            assert messages % 2 == 0 and counted == messages + 1 and events == messages / 2
            sizes.append(messages)
    finally:
        done.set()
        worker.join()
    assert sizes[-1] > sizes[0], "nobody worked meanwhile"


def _actor(world):
    from onyx.core.actor import Actor

    person = world.alice
    return Actor(person.tenant.id, person.tenant.slug, person.tenant.name, person.id, person.email, person.name)


def test_a_full_disk_is_told_and_leaves_nothing(owner, owner_url, folder, world, full, made, operator, tmp_path):
    """The kernel's own limit on the size of a file stands for the disk; what was there stays there."""
    files = sorted(folder.rglob("*.onyx*"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        with pytest.raises(Refused, match="full: nothing was kept"):
            making.make(owner_url, folder, world.acme.id, operator)
        with pytest.raises(Refused, match="full: nothing was kept"):
            making.export(owner_url, tmp_path / "export.onyx", world.acme.id, operator)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(folder.rglob("*.onyx*")) == files
    state, error = owner.execute(
        "select state, error from onyx.backup where tenant_id = %s order by id desc limit 1", [world.acme.id]
    ).fetchone()
    assert state == "failed" and "full" in error
    assert making.make(owner_url, folder, world.acme.id, operator)["size"] > 8192


def test_memory_does_not_grow_with_the_tenant(owner, owner_url, folder, world, full, operator, addresses):
    """A fresh process backs up and restores Acme small, then with 15 MB more in it: its peak may grow by a few."""
    peak = _measuring(owner_url, folder, world)
    small = next(peak)
    schema = world.acme.schema
    with owner.transaction():
        owner.execute(f"alter table {schema}.user_file disable trigger user")
        owner.execute(
            f"insert into {schema}.user_file (user_id, id, name, media_type, size, sha256, content)"
            " select %s, gen_random_uuid(), 'x', 'text/plain', 1000000, '\\x00',"
            " (select string_agg(md5(random()::text), '') from generate_series(1, 8000) where n > 0)"
            " from generate_series(1, 60) n",
            [world.alice.id],
        )
        owner.execute(f"alter table {schema}.user_file enable trigger user")
    large = next(peak)
    peak.close()
    assert large["size"] > small["size"] + 6_000_000
    assert large["peak"] < small["peak"] + 8_000_000, (small, large)


_MEASURE = """
import json, resource, sys
from pathlib import Path
from uuid import UUID
from onyx.app import create_app, load_settings
from onyx.backups import making, restore
from onyx.core.actor import Actor, Request
url, folder, tenant, platform, slug = sys.argv[1:]
create_app(load_settings())
actor = Actor(UUID(platform), "platform", "", None, "", "test", kind="operator", request=Request("r"))
for turn in sys.stdin:
    made = making.make(url, Path(folder), UUID(tenant), actor)
    restore.restore(url, restore.Source(Path(made["path"])), actor, slug + turn.strip())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"size": made["size"], "peak": peak}), flush=True)
"""


def _measuring(owner_url, folder, world):
    """One process that saves and restores at each turn, and says how large the archive was and its peak so far."""
    words = [owner_url, str(folder), str(world.acme.id), str(world.platform.id), f"{world.acme.slug}-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", _MEASURE, *words], **pipes) as process:
        for turn in ("s", "l"):
            process.stdin.write(f"{turn}\n")
            process.stdin.flush()
            yield json.loads(process.stdout.readline())


def test_one_backup_or_restore_of_a_tenant_at_a_time(owner, owner_url, folder, world, made, operator):
    import psycopg

    with psycopg.connect(owner_url, autocommit=True) as other, restore.held(other, world.acme.id):
        with pytest.raises(Refused, match="under way"):
            making.make(owner_url, folder, world.acme.id, operator)
        with pytest.raises(Refused, match="under way"):
            restore.restore(owner_url, Source(Path(made["path"])), operator)
        assert making.make(owner_url, folder, world.globex.id, operator)["size"] > 0


def test_backups_and_drills_are_asked_for_when_they_are_due(owner, owner_url, folder, world, made, operator):
    def asked(operation, name, id):
        return owner.execute(
            "select count(*) from onyx.steward_request where operation = %s and state = 'queued'"
            f" and arguments->>'{name}' = %s",
            [operation, str(id)],
        ).fetchone()[0]

    ours = [world.acme.id, world.globex.id]  # of all others, whom other tests left, at most so many get a turn
    owner.execute("delete from onyx.steward_request where state = 'queued'")
    owner.execute("update onyx.tenant set created_at = now() where id <> all (%s)", [ours])
    owner.execute("update onyx.backup set drill_at = now() where tenant_id <> all (%s)", [ours])
    due.backups(owner, 24)
    assert asked(BACKUP, "tenant_id", world.globex.id) == 0, "it was made this minute"
    owner.execute("update onyx.tenant set created_at = now() - interval '2 hours' where id = any (%s)", [ours])
    for _ in range(2):
        due.backups(owner, 24)
        due.drills(owner, 24)
    assert asked(BACKUP, "tenant_id", world.globex.id) == 1
    assert asked(BACKUP, "tenant_id", world.acme.id) == 0, "it has a fresh one"
    assert asked(DRILL, "backup_id", made["id"]) == 1
    owner.execute("update onyx.backup set created_at = now() - interval '25 hours' where id = %s", [made["id"]])
    due.backups(owner, 24)
    assert asked(BACKUP, "tenant_id", world.acme.id) == 1
    owner.execute("delete from onyx.steward_request where state = 'queued'")


def test_old_backups_go_and_those_that_people_asked_for_stay(owner, owner_url, folder, world, made, operator):
    nightly = [making.make(owner_url, folder, world.acme.id, operator, "nightly")["id"] for _ in range(4)]
    assert making.prune(owner_url, folder, 2) == 2
    left = [
        row[0] for row in owner.execute("select id from onyx.backup where tenant_id = %s order by id", [world.acme.id])
    ]
    assert [str(id) for id in left] == [made["id"], *nightly[2:]]
    assert {path.stem for path in folder.rglob("*.onyx")} == {id.hex for id in left}


def test_a_backup_can_be_read_by_its_owner_alone_and_shows_nothing(made, full, world):
    path = Path(made["path"])
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    data = path.read_bytes()
    for canary in (full["alice"].canary, world.alice.email, "correct horse"):
        assert canary.encode() not in data
