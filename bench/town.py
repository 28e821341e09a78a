"""An installation with many tenants, built once and kept: 1,000 take about 2.5 GB and ten minutes.

It lies in ONYX_BENCH_VAR, else in var/bench; killed while it is built, it goes on where it was.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from onyx import embedded
from onyx.tenancy import migrate

from .place import OURS, Place, ask, module
from .processes import ROOT, Server

HOME = Path(os.environ.get("ONYX_BENCH_VAR") or ROOT / "var" / "bench").absolute()
MB_FOR_EACH = 3.0
PASSWORD = "a town of many houses"
TOKENS_LAST = 6 * 3600


@contextmanager
def town(name: str, tenants: int) -> Iterator[Place]:
    """The installation `name` with at least `tenants` tenants, each with one person; its servers run meanwhile."""
    var = HOME / name
    var.mkdir(parents=True, exist_ok=True)
    var.chmod(0o711)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    environment |= {"ONYX_VAR": str(var), "RATE_LIMITS": "false"}
    hidden = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith(OURS)}
    try:
        module(environment, "onyx.embedded", "start")
        place = Place(var, environment, embedded.urls(var), UUID(int=0), UUID(int=0))
        _build(place, tenants)
        yield place
    finally:
        module(environment, "onyx.embedded", "stop")
        os.environ.update(hidden)


def slugs(place: Place, count: int) -> list[str]:
    """The first `count` tenants, the oldest first."""
    return [f"house-{number:05}" for number in range(1, count + 1)]


def tokens(place: Place, server: Server, count: int) -> list[str]:
    """A session of the one person of each tenant, the oldest tenant first; kept for six hours."""
    file = place.var / "tokens.json"
    if file.exists() and time.time() - file.stat().st_mtime < TOKENS_LAST:
        kept: list[str] = json.loads(file.read_text())
        if len(kept) >= count:
            return kept[:count]
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda slug: sign_in(server, f"owner@{slug}.example"), slugs(place, count)))
    file.write_text(json.dumps(made))
    return made


def sign_in(server: Server, email: str) -> str:
    """A fresh session; its token."""
    return str(ask(server, "POST", "/api/v1/auth/login", None, {"email": email, "password": PASSWORD})["token"])


def size(place: Place) -> float:
    """MB of the database on disk."""
    return float(query(place, "select pg_database_size(current_database()) / 1e6")[0][0])


def query(place: Place, statement: str) -> list[Any]:
    """Rows, as superuser."""
    with psycopg.connect(place.addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
        found = database.execute(statement.encode())
        return found.fetchall() if found.description else []


def remove(place: Place, slug: str) -> None:
    """Take a tenant of the bench away again, past all guards."""
    (row,) = query(place, f"select id from onyx.tenant where slug = '{slug}'")
    name = f"tenant_{row[0].hex}"
    query(place, f"set client_min_messages = warning; drop schema {name} cascade")
    query(place, f"drop owned by {name}; drop role {name}")
    query(place, f"delete from onyx.tenant where slug = '{slug}'")


def _build(place: Place, tenants: int) -> None:
    known = {row[0] for row in query(place, "select slug from onyx.tenant where status <> 'provisioning'")}
    missing = [slug for slug in slugs(place, tenants) if slug not in known]
    free = shutil.disk_usage(place.var).free / 1e6
    if free < len(missing) * MB_FOR_EACH:
        raise SystemExit(f"{len(missing)} tenants need {len(missing) * MB_FOR_EACH:.0f} MB; {free:.0f} MB are free.")
    began = time.monotonic()
    for number, slug in enumerate(missing, 1):
        migrate.provision(place.addresses["DATABASE_OWNER_URL"], slug, f"House {slug[-5:]}")
        if sys.stderr.isatty() or number % 50 == 0:
            left = (time.monotonic() - began) / number * (len(missing) - number)
            sys.stderr.write(f"\rbuilding {place.var.name}: {number} of {len(missing)}, {left:.0f} s left")
    if missing:
        sys.stderr.write("\n")
    module({**place.environment, **place.addresses}, "bench.settling", PASSWORD)
    query(place, "vacuum analyze")
