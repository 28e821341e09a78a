"""Onyx, booted in order on one page."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Flask

from config.logging import configure_logging
from config.settings import ROOT, Settings, data_folder, load, nodes_of
from onyx import embedded
from onyx.audit import rescue
from onyx.core import master, secrets
from onyx.core.db import CONTROL_BIND, db, engine_options
from onyx.core.db import install as install_database
from onyx.core.wire import Wire
from onyx.edge import (
    access_log,
    bus,
    carriers,  # noqa: F401 (it registers who carries letters)
    dropping,
    entries,
    errors,
    headers,
    http,
    judging,
    last_seen,
    live,
    login,
    new_events,
    pages,
    proxies,
    socket_log,
    strays,
    unclaimed,
)
from onyx.edge.at_once import Places
from onyx.edge.brief import Brief
from onyx.edge.counting import Counted, Counts
from onyx.edge.limits import limiter
from onyx.edge.rooms import Rooms
from onyx.edge.state import State
from onyx.edge.store import Store
from onyx.edge.streams import Streams
from onyx.tenancy import boot_check, keyring, nodes, placement, walls
from onyx.tenancy.fit import WrongVersion
from onyx.tenancy.master_check import WrongMasterKey

COMMANDS = (  # what onyx.commands adds to `flask`; known here before that is imported
    "backups",
    "doctor",
    "isolation",
    "jobs",
    "keys",
    "migrate",
    "nodes",
    "retention",
    "sessions",
    "setup",
    "tenants",
    "urls",
    "users",
)
GUNICORN_GIVES_UP = 3  # a worker that ends so is not started again
FEATURES = (
    "health",
    "apidocs",
    "sessions",
    "settings",
    "account",
    "keys",
    "factors",
    "passwords",
    "chat",
    "search",
    "projects",
    "files",
    "members",
    "scim",
    "sso",
    "roles",
    "invitations",
    "first_run",
    "tenants",
    "isolation",
    "backups",
    "retention",
    "monitoring",
    "console",
    "commands",
    "signatures",
    "trail",
    "upgrades",
    "work",
)


def create_app(
    settings: Settings | None = None, async_mode: str = "threading", features: Sequence[str] | None = None
) -> Flask:
    """The application; `async_mode` is `gevent` under gunicorn, `threading` in tests and commands.

    Without `features` it has those that its process needs; importing all of them takes as long as the rest of a start.
    """
    settings = settings or load_settings()
    configure_logging()
    secrets.install(settings.onyx_secret_key.get_secret_value())
    master.install(*settings.master_keys)
    rescue.install(settings.onyx_var / "spool")

    app = Flask("onyx", root_path=str(ROOT), static_folder="static", template_folder="templates")
    app.static_url_path = f"/static/v/{pages.static_version(Path(app.static_folder or ''))}"
    _configure(app, settings)

    db.init_app(app)
    walls.bound_to_backend = Wire.may_prepare = not settings.database_pooled
    with app.app_context():
        for engine in db.engines.values():
            install_database(engine, walls.tell)
    placement.install(nodes_of(settings.database_nodes))
    nodes.install(nodes_of(settings.database_owner_nodes))
    _state(app, settings)

    errors.install(app)
    headers.install(app, settings.secure_cookies)
    http.install(app)
    pages.install(app)
    login.install(app)
    limiter.init_app(app)
    live.install(app, Rooms(_store_at(app.extensions["onyx"].store, settings.redis_socketio_url)), async_mode)
    dropping.install(app)
    socket_log.install()
    for feature in _wanted(async_mode == "gevent") if features is None else features:
        importlib.import_module(f"onyx.{feature}").register(app)
    http.check_all_guarded(app)
    proxies.install(app, settings.trusted_proxies)
    return app


def _wanted(serving: bool) -> tuple[str, ...]:
    """For our own commands nothing of the web, which takes longer to import than most of them run; who serves runs none."""
    program = Path(sys.argv[0])
    if "flask" in (program.stem, program.parent.name) and sys.argv[1:2] and sys.argv[1] in COMMANDS:
        return ("commands",)
    return tuple(feature for feature in FEATURES if not (serving and feature == "commands"))


def start_background(app: Flask) -> None:
    """What a serving process does beside answering: listen to the control bus, drain the access log."""
    with app.app_context():
        try:
            boot_check.require_walls()
        except (WrongMasterKey, WrongVersion) as wrong:
            sys.stderr.write(f"{wrong}\n")
            raise SystemExit(GUNICORN_GIVES_UP) from None
    state: State = app.extensions["onyx"]
    state.bus.start(app)
    state.access_log.start(app)
    last_seen.start(app)
    strays.start(app)
    new_events.start(app)
    unclaimed.start()
    importlib.import_module("onyx.monitoring").start(app)


def load_settings() -> Settings:
    """The settings of this installation: the environment over the embedded servers' own URLs."""
    return load(embedded.urls(data_folder()))


def _configure(app: Flask, settings: Settings) -> None:
    database = settings.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    app.config.update(
        SECRET_KEY=secrets.derive("flask"),
        SQLALCHEMY_DATABASE_URI=database,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(),
        SQLALCHEMY_BINDS={CONTROL_BIND: {"url": database, **engine_options(4)}, **_nodes(settings)},
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        SESSION_COOKIE_NAME="onyx_flash",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        RATELIMIT_STORAGE_URI="onyx://",
        RATELIMIT_ENABLED=settings.rate_limits,
        TEMPLATES_AUTO_RELOAD=False,
    )


def _nodes(settings: Settings) -> dict[str, dict[str, Any]]:
    """A pool for each further database machine (DATABASE_NODES)."""
    return {
        placement.bind_of(name): {"url": url.replace("postgresql://", "postgresql+psycopg://", 1), **engine_options()}
        for name, url in nodes_of(settings.database_nodes).items()
    }


def _state(app: Flask, settings: Settings) -> None:
    store = Store(settings.redis_cache_url or settings.redis_url)
    streams = Streams(judging.over)
    with app.app_context():
        platform = bus.platform_id()
    control = bus.Bus(store, platform)
    control.subscribe(entries.obey)
    control.subscribe(keyring.obey)
    control.subscribe(streams.obey)
    log = access_log.AccessLog(settings.onyx_var / "spool")
    counts, limits_store = Counts(), _store_at(store, settings.redis_limits_url)
    counted = Counted(store=limits_store, counts=counts)
    app.extensions["onyx"] = State(settings, store, control, log, streams, platform, counts, counted, Brief(), Places())
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"store": limits_store, "counts": counts}


def _store_at(store: Store, url: str | None) -> Store:
    """The process's one store, with its one breaker; another one only where another Redis is meant."""
    return store if url is None or url == store.url else Store(url)
