"""An installation of an earlier version is upgraded while people write, and rolled back (U4, T11).

As docs/operations/upgrade.md says, step by step: `flask migrate` of the new version while the old one serves, then new
processes; back again: processes that know the earlier migrations alone, on the database that has them all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from onyx.core.clock import now, rfc3339
from onyx.core.ids import uuid7
from onyx.core.scope import Scope
from onyx.core.secrets import email_digest
from onyx.identity.passwords import hash_password
from onyx.tenancy import context, fit, ledger, migrate, scripts
from tests.cast import PASSWORD
from tests.databases import one_more
from tests.server import Server

ROOT = Path(__file__).resolve().parents[2]
BEFORE = {"platform": 24, "tenant": 30}  # what the version had that is upgraded here
ALICE = "alice@upgraded.example"
_PERSON = """
insert into app_user (id, email, email_digest) values (%(id)s, %(email)s, %(digest)s);
insert into profile (user_id, display_name) values (%(id)s, 'Alice Arden');
insert into credential (user_id, password_hash) values (%(id)s, %(hash)s);
insert into user_role (user_id, role) values (%(id)s, 'user');
insert into onyx.directory (email_digest, tenant_id) values (%(digest)s, %(tenant)s);
insert into chat_session (user_id, id, title) values (%(id)s, %(chat)s, 'Before the upgrade')
"""
_WRITE = "insert into chat_message (user_id, id, chat_session_id, author_id, role, content) values (%s, %s, %s, %s, 'user', %s)"
_BEGIN = (
    "select set_config('role', %s, true), set_config('search_path', %s, true), set_config('onyx.context', %s, true)"
)


@dataclass
class Installation:
    """A database of its own, made by the migrations of before, and the folders with migrations."""

    name: str
    addresses: dict[str, str]
    before: Path
    tenant: UUID
    alice: UUID
    chat: UUID
    written: list[str] = field(default_factory=list)

    @property
    def owner_url(self) -> str:
        return make_conninfo(self.addresses["DATABASE_OWNER_URL"], dbname=self.name)

    def environment(self, serving: dict[str, str], folder: Path = scripts.ROOT) -> dict[str, str]:
        urls = {one: _named(self.addresses[one], self.name) for one in ("DATABASE_URL", "DATABASE_OWNER_URL")}
        return {**serving, **urls, "MIGRATIONS": str(folder)}

    def write(self, connection: psycopg.Connection[Any], text: str) -> None:
        """A message of Alice's as processes of before write one: as onyx_app, in her context, with its event."""
        schema = context.schema_of(self.tenant)
        signed = context.sign(Scope(self.tenant, "member", self.alice), connection.info.backend_pid)
        event = {"event_id": str(uuid7()), "occurred_at": rfc3339(now()), "action": "message.sent", "schema_version": 1}
        with connection.transaction():
            connection.execute(_BEGIN, [schema, schema, signed])
            connection.execute(_WRITE, [self.alice, uuid7(), self.chat, self.alice, text])
            connection.execute("select audit_append(%s::jsonb)", [json.dumps([{**event, "outcome": "success"}])])
        self.written.append(text)


def _named(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@pytest.fixture
def only(monkeypatch):
    """Know the migrations of one folder."""

    def know(folder: Path) -> None:
        monkeypatch.setattr(scripts, "ROOT", folder)
        for known in (scripts.scripts, scripts.whole):
            known.cache_clear()

    real = scripts.ROOT
    yield know
    know(real)


@pytest.fixture
def name(addresses):
    with one_more(addresses, "upgraded") as made:
        yield made


@pytest.fixture
def installation(addresses, app, tmp_path, only, name):
    before = tmp_path / "before"
    for kind, last in BEFORE.items():
        (before / kind).mkdir(parents=True)
        for file in (scripts.ROOT / kind).glob("[0-9]*.sql"):
            if int(file.name[:4]) <= last:
                shutil.copy(file, before / kind)
    real = scripts.ROOT
    only(before)
    made = Installation(name, addresses, before, UUID(int=0), uuid7(), uuid7())
    migrate.migrate_all(made.owner_url, say=lambda _: None)
    made.tenant = migrate.provision(made.owner_url, "upgraded", "Upgraded")
    _bring_in(made)
    only(real)
    return made


def _bring_in(made: Installation) -> None:
    digest = email_digest(ALICE)
    values = {
        "id": made.alice, "email": ALICE, "digest": digest, "hash": hash_password(PASSWORD), "tenant": made.tenant,
        "chat": made.chat,
    }  # fmt: skip
    with psycopg.connect(made.owner_url) as owner:
        signed = context.sign(Scope(made.tenant, "job:provision"), owner.info.backend_pid)
        schema = context.schema_of(made.tenant)
        owner.execute(
            "select set_config('search_path', %s, true), set_config('onyx.context', %s, true)", [schema, signed]
        )
        for statement in _PERSON.split(";"):
            owner.execute(statement.encode(), values)
        event = {"event_id": str(uuid7()), "occurred_at": rfc3339(now()), "action": "user.created", "schema_version": 1}
        owner.execute("select audit_append(%s::jsonb)", [json.dumps([{**event, "outcome": "success"}])])


@contextmanager
def somebody_writes(installation: Installation) -> Iterator[list[str]]:
    """All the time, and minds every error; the list of what was written grows."""
    asked, troubles = threading.Event(), []

    def work() -> None:
        url = make_conninfo(installation.addresses["DATABASE_URL"], dbname=installation.name)
        try:
            with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
                while not asked.wait(0.03):
                    installation.write(connection, f"message {len(installation.written)}")
        except psycopg.Error as error:
            troubles.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield installation.written
    finally:
        asked.set()
        thread.join()
    assert troubles == []


def _flask(environment: dict[str, str], *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "flask", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _all_is_there(house: Server, installation: Installation) -> None:
    """Alice signs in and reads what was ever written; then she writes by the same door."""
    with house.http() as alice:
        sent = {"email": ALICE, "password": PASSWORD}
        signed_in = alice.post("/api/v1/auth/login", json=sent)
        assert signed_in.status_code == 200, signed_in.text
        alice.headers["Authorization"] = f"Bearer {signed_in.json()['data']['token']}"
        path, read, offset = f"/api/v1/sessions/{installation.chat}/messages", [], 0
        while page := alice.get(f"{path}?limit=200&offset={offset}").json()["data"]:
            read += [one["content"] for one in page if one["role"] == "user"]
            offset += len(page)
        assert read == installation.written
        said = f"after {len(read)}"
        assert alice.post("/api/v1/chat", json={"text": said, "session_id": str(installation.chat)}).status_code == 200
        installation.written.append(said)
        assert len(alice.get("/api/v1/search?q=message").json()["data"]) > 0


def test_upgraded_while_people_write_and_rolled_back(installation, serving, var, only):
    old, new = installation.environment(serving, installation.before), installation.environment(serving)
    with somebody_writes(installation) as written:
        with pytest.raises(RuntimeError, match=r"older version of Onyx.*Run `flask migrate` first"):
            Server(new, var)
        planned = migrate.plan(installation.owner_url)
        assert {one["version"] for one in planned["tenant"]} == {
            one for one in ledger.versions() if one > BEFORE["tenant"]
        }
        assert planned["safe"], "so that what runs goes on while it is migrated"
        began = len(written)
        done = _flask(new, "migrate")
        assert (done["migrated"], done["failed"]) == (2, {}) and len(written) > began, "nobody waited for it"
    assert migrate.plan(installation.owner_url)["organisations"] == 0
    with _running(new, var) as house:
        _all_is_there(house, installation)
    with _running(old, var, "tests.upgrades.older:app") as house:
        _all_is_there(house, installation)
    only(installation.before)
    planned = migrate.plan(installation.owner_url)
    assert not migrate.pending(installation.owner_url) and planned["tenant"] == [] and planned["unknown"]["tenant"]


@contextmanager
def _running(environment: dict[str, str], var: Path, application: str = "wsgi:app") -> Iterator[Server]:
    made = Server(environment, var, application=application)
    try:
        yield made
    finally:
        made.stop()


def test_code_that_a_migration_left_behind_says_so_and_touches_nothing(installation, serving, var, tmp_path, only):
    newer = tmp_path / "newer"
    shutil.copytree(scripts.ROOT, newer)
    head = "-- Projects have labels.\n-- needs newer code: projects have labels instead of names\n"
    (newer / "tenant" / "9001_labels_of_projects.sql").write_text(
        head + "alter table project rename column name to label;\n"
    )
    real = scripts.ROOT
    only(newer)
    assert not migrate.plan(installation.owner_url)["safe"]
    migrate.migrate_all(installation.owner_url, say=lambda _: None)
    only(real)
    told = r"newer version of Onyx.*9001 labels of projects: projects have labels"
    with pytest.raises(RuntimeError, match=told):
        Server(installation.environment(serving), var)
    with pytest.raises(fit.WrongVersion, match=told):
        migrate.migrate_all(installation.owner_url, say=lambda _: None)
