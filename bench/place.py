"""The bench's own installation: a data folder of its own, servers on free ports, one tenant filled with rows.

The floor works on copies of the same tables, in a schema of its own, without policies and triggers.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import jwt
import psycopg
import redis

from onyx import embedded

from .processes import ROOT, Server, free_port, start, stop

OURS = ("DATABASE_", "REDIS_", "LLM_", "ONYX_", "SESSION_", "RATE_LIMITS", "PUBLIC_URL", "TRUSTED_", "WEB_", "PORT")
TABLES = ("app_user", "profile", "user_role", "chat_session", "chat_message")
CHATS, MESSAGES, PEOPLE = 200, 200, 60
WORDS = "The quick brown fox jumps over the lazy dog while the auditor reads what the administrator changed. " * 3


@dataclass(slots=True)
class Place:
    """Where the bench runs: environment of the servers, addresses, and the chat that is loaded."""

    var: Path
    environment: dict[str, str]
    addresses: dict[str, str]
    chat: UUID
    alice: UUID

    @contextmanager
    def onyx(self, processes: int = 1, application: str = "bench.serving:app", **more: str) -> Iterator[Server]:
        hidden = ("DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL")
        serving = {name: value for name, value in self.addresses.items() if name not in hidden}
        yield from self._serve(application, {**self.environment, **serving, **more}, processes)

    @contextmanager
    def floor(self, **more: str) -> Iterator[Server]:
        yield from self._serve("bench.floor:app", {**self.environment, **self._floor(), **more}, 1)

    @contextmanager
    def model(self) -> Iterator[str]:
        """A local model server; its base URL."""
        port = free_port()
        process = start([sys.executable, "-m", "bench.model", str(port)], self.environment, self.var / "model.log")
        yield f"http://127.0.0.1:{port}/v1"
        stop(process)

    def backends(self, user: str) -> list[int]:
        """Process ids of the PostgreSQL backends that serve `onyx_app` or `floor`."""
        with psycopg.connect(self.addresses["DATABASE_SUPERUSER_URL"]) as database:
            found = database.execute("select pid from pg_stat_activity where usename = %s", [user]).fetchall()
        return [row[0] for row in found]

    def token(self, name: str, server: Server) -> str:
        """A fresh session of one of the demo's people."""
        return str(ask(server, "POST", "/api/v1/auth/login", None, self.person(name))["token"])

    def person(self, name: str) -> dict[str, str]:
        """What one of the demo's people signs in with."""
        people = json.loads((self.var / "demo-credentials.json").read_text())
        found = next(person for person in people if person["email"].startswith(f"{name}@"))
        return {part: found[part] for part in ("email", "password")}

    def floor_token(self) -> str:
        """What the floor believes: a signed token whose session lies in Redis."""
        session = uuid4().hex
        redis.Redis.from_url(self.addresses["REDIS_URL"]).set(f"floor:{session}", "1", ex=3600)
        return jwt.encode({"sub": str(self.alice), "sid": session}, self.addresses["ONYX_SECRET_KEY"], "HS256")

    def _serve(self, application: str, environment: dict[str, str], processes: int) -> Iterator[Server]:
        name = application.split(":")[0]
        server = Server(application, environment, self.var / f"{name}.log", processes)
        try:
            yield server
        finally:
            server.stop()

    def _floor(self) -> dict[str, str]:
        return {
            "FLOOR_URL": self.environment["FLOOR_URL"],
            "FLOOR_KEY": self.addresses["ONYX_SECRET_KEY"],
            "REDIS_URL": self.addresses["REDIS_URL"],
        }


@contextmanager
def place() -> Iterator[Place]:
    """Set everything up in a temporary folder; stop and remove it at the end.

    With BENCH_VAR=FOLDER it is kept there, and what was built is used again: large data sets are made once.
    """
    kept = os.environ.get("BENCH_VAR")
    var = Path(kept or tempfile.mkdtemp(prefix="onyx-bench-"))
    var.mkdir(parents=True, exist_ok=True)
    var.chmod(0o711)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment |= {"ONYX_VAR": str(var), "RATE_LIMITS": "false"}
    try:
        module(environment, "onyx.embedded", "start")
        addresses = _addresses(var)
        module({**environment, **addresses}, "onyx.demo")
        password = secrets.token_hex(12)
        with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True) as database:
            found = _found(database)
            alice, chat = found or _fill(database)
            if found is None:
                _make_floor(database, password)
            database.execute(f"alter role floor password '{password}'".encode())
        host = addresses["DATABASE_URL"].split("@")[1]
        environment["FLOOR_URL"] = f"postgresql://floor:{quote(password)}@{host}"
        yield Place(var, environment, addresses, chat, alice)
    finally:
        module(environment, "onyx.embedded", "stop")
        if not kept:
            shutil.rmtree(var, ignore_errors=True)


def ask(server: Server, method: str, path: str, token: str | None = None, body: Any = None) -> Any:
    """One request; the answer's `data`. Raises HTTPError."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text)["data"] if text else None


def module(environment: dict[str, str], *words: str) -> str:
    """Run `python -m …` to its end; what it wrote to stdout. Raises CalledProcessError."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _addresses(var: Path) -> dict[str, str]:
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(OURS)}
    try:
        return embedded.urls(var)
    finally:
        os.environ.update(hidden)


def _found(database: psycopg.Connection[Any]) -> tuple[UUID, UUID] | None:
    """What _fill() made in an earlier run."""
    if database.execute("select 1 from pg_roles where rolname = 'floor'").fetchone() is None:
        return None
    found = database.execute(
        "select user_id, id from floor.chat_session where title like 'Chat number %' order by last_message_at desc limit 1"
    ).fetchone()
    assert found is not None
    return found[0], found[1]


def _fill(database: psycopg.Connection[Any]) -> tuple[UUID, UUID]:
    """200 chats of Alice, 200 messages in the newest, 60 more people; written past triggers and policies."""
    tenant = database.execute("select id from onyx.tenant where slug = 'acme'").fetchone()
    assert tenant is not None
    schema = f"tenant_{tenant[0].hex}"
    database.execute(f"set search_path = {schema}")  # type: ignore[arg-type]
    database.execute("set session_replication_role = replica")
    row = database.execute("select id from app_user where email like 'alice@%'").fetchone()
    assert row is not None
    alice: UUID = row[0]
    database.execute(
        "insert into chat_session (user_id, id, title, preview, message_count, last_seq, last_message_at)"
        " select %s, gen_random_uuid(), 'Chat number ' || n, %s, 2, 2, now() - n * interval '1 minute'"
        " from generate_series(1, %s) n",
        [alice, WORDS[:120], CHATS],
    )
    newest = database.execute("select id from chat_session order by last_message_at desc limit 1").fetchone()
    assert newest is not None
    chat: UUID = newest[0]
    database.execute(
        "insert into chat_message (user_id, id, chat_session_id, seq, author_id, role, content)"
        " select %s, gen_random_uuid(), %s, n, %s, case n %% 2 when 1 then 'user' else 'assistant' end, %s"
        " from generate_series(1, %s) n",
        [alice, chat, alice, WORDS, MESSAGES],
    )
    database.execute(
        "with made as (insert into app_user (id, email, email_digest)"
        " select gen_random_uuid(), 'person' || n || '@acme.example', sha256(('bench' || n)::bytea)"
        " from generate_series(1, %s) n returning id, email),"
        " named as (insert into profile (user_id, display_name) select id, email from made)"
        " insert into user_role (user_id, role) select id, 'user' from made",
        [PEOPLE],
    )
    database.execute("analyze")
    return alice, chat


def _make_floor(database: psycopg.Connection[Any], password: str) -> None:
    database.execute(f"create role floor login password '{password}'")  # type: ignore[arg-type]
    database.execute("grant connect on database onyx to floor")
    database.execute("create schema floor authorization floor")
    for table in TABLES:
        database.execute(f"create table floor.{table} (like {table} including all)")  # type: ignore[arg-type]
        kept = _stored_columns(database, table)
        database.execute(f"insert into floor.{table} ({kept}) select {kept} from {table}")  # type: ignore[arg-type]
        database.execute(f"alter table floor.{table} owner to floor")  # type: ignore[arg-type]
    database.execute("alter role floor set search_path = floor")
    database.execute("analyze")


def _stored_columns(database: psycopg.Connection[Any], table: str) -> str:
    found = database.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and attgenerated = ''"
        " and not attisdropped",
        [table],
    ).fetchall()
    return ", ".join(row[0] for row in found)
