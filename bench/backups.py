"""A backup, a drill and a restore beside, of an organisation with 20,000 messages more: rows a second, memory.

`python -m bench.backups ARGUMENTS` is the process that is measured: it does the three and prints what it saw.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from onyx.app import create_app, load_settings
from onyx.backups import making, restore
from onyx.core.actor import Actor, Request

from .place import Place
from .processes import ROOT
from .report import Row, table

MESSAGES = 20_000
# One session, past triggers and policies: what is measured is not how rows come about.
_FILL = """
insert into {schema}.chat_message (user_id, id, chat_session_id, seq, author_id, role, content)
select %(alice)s, gen_random_uuid(), %(chat)s, 1000 + n, %(alice)s, 'user', repeat(md5(n::text), 10)
  from generate_series(1, %(messages)s) n
"""
_CLEAR = "delete from {schema}.chat_message where chat_session_id = %(chat)s and seq > 1000"


def measure(place: Place) -> str:
    """The table; the copy that is made stays in the bench's own installation, which goes at the end."""
    with psycopg.connect(place.addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
        database.execute("set session_replication_role = replica")
        schema = f"tenant_{_id(database, 'acme').hex}"
        values = {"alice": place.alice, "chat": place.chat, "messages": MESSAGES}
        database.execute(_FILL.format(schema=schema).encode(), values)
        try:
            return _measure(place)
        finally:
            database.execute(_CLEAR.format(schema=schema).encode(), values)


def _measure(place: Place) -> str:
    words = [sys.executable, "-m", "bench.backups", place.addresses["DATABASE_OWNER_URL"]]
    environment = {**place.environment, **place.addresses}
    ran = subprocess.run(words, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    said = json.loads(ran.stdout.splitlines()[-1])
    rows: list[Row] = [
        [f"{name} of {said['rows']:,} rows", f"{seconds:.1f} s", f"{said['rows'] / seconds:,.0f} rows/s"]
        for name, seconds in said["seconds"].items()
    ]
    rows.append([f"archive of {said['tables'] / 1e6:.0f} MB of tables", f"{said['size'] / 1e6:.1f} MB", ""])
    rows.append(["grown by, in memory", f"{said['grown'] / 1e6:.1f} MB", ""])
    return table("Backups", ["what", "figure", "rate"], rows)


def main(owner_url: str) -> None:
    create_app(load_settings())
    with psycopg.connect(owner_url) as connection:
        platform, tenant = (_id(connection, slug) for slug in ("platform", "acme"))
        size = connection.execute(
            "select sum(pg_table_size(oid))::bigint from pg_class where relnamespace = %s::regnamespace and relkind = 'r'",
            [f"tenant_{tenant.hex}"],
        ).fetchone()
    actor = Actor(platform, "platform", "Platform", None, "", "bench", kind="operator", request=Request(uuid4().hex))
    folder, before, seconds = Path(os.environ["ONYX_VAR"]), _peak(), {}

    began = time.monotonic()
    made = making.make(owner_url, folder, tenant, actor)
    seconds["backup"], began = time.monotonic() - began, time.monotonic()
    making.rehearse(owner_url, folder, UUID(made["id"]), actor)
    seconds["drill"], began = time.monotonic() - began, time.monotonic()
    went = restore.restore(owner_url, restore.Source(Path(made["path"])), actor, f"copy-{os.urandom(3).hex()}")
    seconds["restore beside"] = time.monotonic() - began

    said = {"seconds": seconds, "rows": went["rows"], "size": made["size"], "tables": size[0] if size else 0}
    print(json.dumps({**said, "grown": _peak() - before}))


def _id(connection: psycopg.Connection, slug: str) -> UUID:
    row = connection.execute("select id from onyx.tenant where slug = %s", [slug]).fetchone()
    assert row is not None
    id: UUID = row[0]
    return id


def _peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(sys.argv[1])
