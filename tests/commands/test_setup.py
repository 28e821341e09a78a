"""`flask setup` on a database in which nothing is: structure, keys, a platform admin, a first organisation (U4)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from onyx.core.secrets import email_digest
from tests.databases import one_more

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(addresses):
    """A database with its roles and nothing else: its name."""
    with one_more(addresses, "empty") as name:
        yield name


def test_an_empty_database_is_set_up_in_one_command(empty, addresses, serving):
    urls = {
        one: urlsplit(addresses[one])._replace(path=f"/{empty}").geturl()
        for one in ("DATABASE_URL", "DATABASE_OWNER_URL")
    }
    words = ("setup", "--admin-email", "Petra@Setup.example", "--organisation", "first")
    more = ("--organisation-name", "First", "--organisation-admin", "dana@first.example", "--json")

    def flask(*given):
        return subprocess.run(
            [sys.executable, "-m", "flask", *given], cwd=ROOT, env={**serving, **urls}, capture_output=True, text=True,
            timeout=600,
        )  # fmt: skip

    done = flask(*words, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["platform_admin"] == "petra@setup.example" and len(told["password"]) >= 12
    assert told["organisation"]["slug"] == "first" and told["organisation"]["password"]
    with psycopg.connect(make_conninfo(addresses["DATABASE_OWNER_URL"], dbname=empty)) as owner:
        known = owner.execute(
            "select t.slug, t.status from onyx.directory d join onyx.tenant t on t.id = d.tenant_id"
            " where d.email_digest = any(%s) order by t.slug",
            [[email_digest(email) for email in ("petra@setup.example", "dana@first.example")]],
        ).fetchall()
    assert known == [("first", "active"), ("platform", "active")]
    again = flask("setup", "--admin-email", "second@setup.example")
    assert again.returncode == 1 and "has an administrator" in again.stderr and "--another" in again.stderr
    one_more = flask("setup", "--admin-email", "second@setup.example", "--another", "--json")
    assert json.loads(one_more.stdout)["platform_admin"] == "second@setup.example"
