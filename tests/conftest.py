"""Real PostgreSQL and Redis for each test worker, fresh tenants with the cast, real servers when asked for.

`world` is made once for each test module. A module whose tests suspend people or tenants overrides it:

    @pytest.fixture
    def world(fresh_world): return fresh_world
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.browser.binary import LAUNCH_ARGS, find_browser
from tests.cast import World, make_world
from tests.server import Server, Socket, hang_up

OWN_SETTINGS = (
    "DATABASE_",
    "REDIS_",
    "LLM_",
    "ONYX_",
    "SESSION_",
    "RATE_LIMITS",
    "PUBLIC_URL",
    "TRUSTED_PROXIES",
    "SSO_",
)
settings.register_profile("onyx", database=None, deadline=None)
settings.load_profile("onyx")
FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum_naptime = 10min\n"


@pytest.fixture(scope="session")
def var() -> Iterator[Path]:
    """The data folder of this worker; short and passable, so that PostgreSQL's own account reaches it."""
    folder = Path(tempfile.mkdtemp(prefix="onyx-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def addresses(var: Path) -> Iterator[dict[str, str]]:
    """Running servers with a migrated database. ONYX_VAR leads the application to them; URLs in the environment would
    say that they are somebody else's to start and stop.
    """
    from onyx import embedded
    from onyx.tenancy import bootstrap, migrate

    for name in [name for name in os.environ if name.startswith(OWN_SETTINGS)]:
        del os.environ[name]
    os.environ["ONYX_VAR"] = str(var)
    found = embedded.start(var, lambda _: None)
    try:
        _make_fast(var, found["DATABASE_SUPERUSER_URL"])
        os.environ |= {name: found[name] for name in ("ONYX_SECRET_KEY", "ONYX_MASTER_KEY")}
        passwords = (_password(found["DATABASE_OWNER_URL"]), _password(found["DATABASE_URL"]))
        bootstrap.bootstrap(found["DATABASE_SUPERUSER_URL"], *passwords)
        migrate.migrate_all(found["DATABASE_OWNER_URL"], say=lambda _: None)
        yield found
    finally:
        embedded.stop(var)


def _make_fast(var: Path, superuser_url: str) -> None:
    """Throw-away data need no fsync."""
    note = var / "data-folder"
    base = Path(note.read_text().strip()) if note.exists() else var
    (base / "postgres" / "local.conf").write_text(FAST)
    (base / "postgres" / "local.conf").chmod(0o644)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("select pg_reload_conf()")


def _password(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def let_go(engine: Engine) -> None:
    """Close a pool's connections, when all have come back: what is out at that moment would never be closed."""
    until = time.monotonic() + 30
    while engine.pool.checkedout() and time.monotonic() < until:  # type: ignore[attr-defined]
        time.sleep(0.05)
    engine.dispose()


@pytest.fixture(scope="session")
def app(addresses: dict[str, str]) -> Iterator[Flask]:
    """The application inside the test process, listening to the control bus; rate limits off."""
    from onyx.app import create_app, load_settings
    from onyx.core.db import db
    from onyx.edge.limits import limiter

    made = create_app(load_settings())
    limiter.enabled = False
    made.config["TESTING"] = True
    made.test_client_class = Caller
    state = made.extensions["onyx"]
    state.settings = state.settings.model_copy(update={"rate_limits": False})
    state.bus.start(made)
    yield made
    state.bus.stop()
    with made.app_context():
        for engine in db.engines.values():
            let_go(engine)


@pytest.fixture(scope="session")
def owner_url(addresses: dict[str, str]) -> str:
    return addresses["DATABASE_OWNER_URL"]


@pytest.fixture
def owner(owner_url: str) -> Iterator[psycopg.Connection[Any]]:
    """PostgreSQL as the owner of all tables, autocommit: sees what is really there, past every policy."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def world(app: Flask, owner_url: str) -> World:
    """Acme and Globex with their people, for this module alone."""
    return make_world(app, owner_url)


@pytest.fixture
def fresh_world(app: Flask, owner_url: str) -> World:
    """The same, for this test alone."""
    return make_world(app, owner_url)


class Caller(FlaskClient):
    """A test client that presents its `token`, as bearer or (with the CSRF token) by cookie."""

    token: str | None = None
    csrf: str | None = None
    signed_in: dict[str, Any] | None = None

    def open(self, *args: Any, **more: Any) -> Any:
        headers = dict(more.pop("headers", None) or {})
        if self.token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.csrf and "X-CSRF-Token" not in headers:
            headers["X-CSRF-Token"] = self.csrf
        return super().open(*args, headers=headers, **more)


@pytest.fixture
def sign_in(app: Flask, world: World) -> Callable[..., dict[str, Any]]:
    """Sign in through the front door: `sign_in("alice")["token"]`; the answer's `data`."""

    def open_session(name: str, **more: Any) -> dict[str, Any]:
        person = world[name]
        sent = {"email": person.email, "password": person.password, **more}
        answer = app.test_client().post("/api/v1/auth/login", json=sent)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.get_json()["data"]
        return data

    return open_session


@pytest.fixture
def client_of(app: Flask, sign_in: Callable[..., dict[str, Any]]) -> Callable[..., Caller]:
    """A client of one of the cast, freshly signed in: `client_of("alice")`.

    By bearer, or `by="cookie"` as a browser does, with the CSRF token on each request unless `csrf=False`.
    `client_of(None)` is nobody's. `client.token`, `client.signed_in` tell of the session.
    """

    def client(name: str | None, by: str = "bearer", csrf: bool = True) -> Caller:
        from uuid import UUID

        from onyx.edge.csrf import csrf_token

        made: Any = app.test_client()
        if name is not None:
            made.signed_in = sign_in(name)
            if by == "bearer":
                made.token = made.signed_in["token"]
            else:
                made.set_cookie("onyx_session", made.signed_in["token"])
                made.csrf = csrf_token(UUID(made.signed_in["session_id"])) if csrf else None
        return made

    return client


@pytest.fixture
def actor_of(world: World) -> Callable[..., Any]:
    """The actor that one of the cast would be in a request, without a login session."""
    from onyx.access.policy import permissions_of
    from onyx.core.actor import Actor

    def actor(name: str) -> Actor:
        person = world[name]
        tenant, roles = person.tenant, (person.role,)
        permissions = permissions_of(roles, tenant.slug)
        return Actor(tenant.id, tenant.slug, tenant.name, person.id, person.email, person.name, roles, permissions)

    return actor


@pytest.fixture
def session_of(app: Flask, world: World) -> Callable[..., AbstractContextManager[Session]]:
    """A unit of work of one of the cast: `with session_of("alice") as session:`; commits at the end."""
    from onyx.core.db import unit_of_work
    from onyx.core.scope import tenant_scope

    @contextmanager
    def open_one(name: str, purpose: str = "member") -> Iterator[Session]:
        person = world[name]
        with app.app_context(), tenant_scope(person.tenant.id, purpose, person.id), unit_of_work() as session:
            yield session

    return open_one


@pytest.fixture(scope="session")
def serving(addresses: dict[str, str], var: Path) -> dict[str, str]:
    """The environment of a serving process; without the owner's and the superuser's addresses."""
    hidden = ("DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL")
    found = {name: value for name, value in addresses.items() if name not in hidden}
    return {**os.environ, **found, "ONYX_VAR": str(var), "RATE_LIMITS": "false", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def shared_servers(serving: dict[str, str], var: Path) -> Iterator[Callable[[int], Server]]:
    """One server for each number of processes, kept for the whole run."""
    made: dict[int, Server] = {}

    def get(processes: int) -> Server:
        if processes not in made:
            made[processes] = Server(serving, var, processes)
        return made[processes]

    yield get
    for one in made.values():
        one.stop()


@pytest.fixture
def server(
    serving: dict[str, str], var: Path, shared_servers: Callable[[int], Server]
) -> Iterator[Callable[..., Server]]:
    """A real gunicorn: `server()`, `server(processes=2)` are shared; `server(fresh=True, LLM_BASE_URL=…)` is yours.

    Harm done to a shared one (a kill, a stopped Redis) must be mended by the test that does it: ask for a fresh one.
    """
    own: list[Server] = []

    def get(processes: int = 1, fresh: bool = False, **environment: str) -> Server:
        if not fresh and not environment:
            return shared_servers(processes)
        own.append(Server({**serving, **environment}, var, processes))
        return own[-1]

    yield get
    for one in own:
        one.stop()


@pytest.fixture
def socket_of(sign_in: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., Socket]]:
    """An open socket of one of the cast: `socket_of("alice", server())`; `token=` for a session that you opened."""
    made: list[Socket] = []

    def connect(name: str, server: Server, namespace: str = "/", token: str | None = None) -> Socket:
        made.append(Socket(server, token or sign_in(name)["token"], namespace))
        return made[-1]

    yield connect
    for one in made:
        hang_up(one)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; skipped loudly where there is none, a failure where ONYX_REQUIRE_BROWSER=1."""
    binary = find_browser()
    if binary is None:
        told = "no browser: set CHROME_BIN, install chromium, or let npm fetch the pinned build"
        if os.environ.get("ONYX_REQUIRE_BROWSER") == "1":
            pytest.fail(told)
        pytest.skip(told)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=binary, args=list(LAUNCH_ARGS))
        yield started
        started.close()


@pytest.fixture
def limits_on(app: Flask) -> Iterator[None]:
    """Rate limits as in production, for one test."""
    from onyx.edge.limits import limiter

    state = app.extensions["onyx"]
    before = state.settings
    state.settings = before.model_copy(update={"rate_limits": True})
    limiter.enabled = True
    yield
    limiter.enabled = False
    state.settings = state.settings.model_copy(update={"rate_limits": before.rate_limits})
