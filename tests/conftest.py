"""Real PostgreSQL and Redis for each test worker, fresh tenants with the cast, real servers when asked for.

`world` is made once for each test module. A module whose tests suspend people or tenants overrides it:

    @pytest.fixture
    def world(fresh_world): return fresh_world
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from tests import afterwards
from tests.callers import Caller, actor_of, client_of, session_of, sign_in
from tests.cast import World, make_world
from tests.serving import browser, server, serving, shared_servers, socket_of

__all__ = [
    "actor_of", "browser", "client_of", "server", "serving", "session_of", "shared_servers", "sign_in", "socket_of",
]  # fmt: skip

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
# The same examples in each run, however slowly they come; whoever asks for more of them gets others each time.
settings.register_profile(
    "onyx",
    database=None,
    deadline=None,
    derandomize="ATTACK_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("onyx")
# Some two hundred processes are started: none of them is to compile Onyx anew, whatever the shell says about bytecode.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What is imported stays to the end: the collector need not look at it (until all tests are found, nor at the rest).
gc.disable()
FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum_naptime = 10min\n"

DAY, BEFORE_MIDNIGHT = 86_400, 60  # seconds

# Folders whose files come first: they last long, so that none is alone at the end, or look at every tenant that is
# there, of which other tests leave hundreds behind.
FIRST = (
    "isolation", "upgrades", "backups", "tenancy", "tenants", "jobs", "keyring", "browser", "embedded", "apidocs", "chat",
    "retention", "sessions", "edge", "console", "trail", "passwords", "audit", "settings", "commands", "members",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Whoever runs tests (with -n, the workers) has what it starts looked after."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        afterwards.begin()


def pytest_unconfigure() -> None:
    afterwards.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """RQ's worker takes Ctrl-C and SIGTERM for itself, and would keep them from all tests that follow.

    No test begins just before midnight (UTC): what it counts for a day, or puts into a month, would be of two.
    """
    if (left := DAY - time.time() % DAY) < BEFORE_MIDNIGHT:
        time.sleep(left)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return (yield)
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files in order; tests of a file stay as they are. Needs --no-loadscope-reorder, which pytest.ini says."""
    rank = {folder: place for place, folder in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(FIRST)))


def pytest_collection_finish() -> None:
    """From here on the collector works again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def var() -> Iterator[Path]:
    """The data folder of this worker; short and passable, so that PostgreSQL's own account reaches it."""
    folder = Path(tempfile.mkdtemp(prefix="onyx-test-"))
    folder.chmod(0o711)
    afterwards.look_after(folder)
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
    """Acme and Globex with their people, and Petra, for this module alone."""
    made = make_world(app, owner_url)
    made.everybody()
    return made


@pytest.fixture(scope="module")
def shared_world(app: Flask, owner_url: str) -> World:
    """One for the tests of a module that are marked `shares_world`."""
    return make_world(app, owner_url)


@pytest.fixture
def fresh_world(request: pytest.FixtureRequest, app: Flask, owner_url: str) -> World:
    """The same, for this test alone; who is not of Acme comes when they are named.

    Tests of one refusal after the other are marked `shares_world`: what they ask for leaves nothing behind.
    """
    if request.node.get_closest_marker("shares_world"):
        shared: World = request.getfixturevalue("shared_world")
        return shared
    return make_world(app, owner_url)


@pytest.fixture
def limits_on(app: Flask) -> Iterator[None]:
    """Rate limits as in production, for one test; what others did from the same address in this minute is forgotten."""
    from onyx.edge.limits import limiter

    state = app.extensions["onyx"]
    for name in list(state.store.client.scan_iter("onyx:limit*", count=1000)):
        state.store.client.delete(name)
    before = state.settings
    state.settings = before.model_copy(update={"rate_limits": True})
    limiter.enabled = True
    yield
    limiter.enabled = False
    state.settings = state.settings.model_copy(update={"rate_limits": before.rate_limits})
