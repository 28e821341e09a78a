"""Starting and stopping both servers of one data folder, one caller at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from onyx.embedded import addresses, binaries, environment, keys, lock, places, postgres, redis_server
from onyx.embedded.places import Places

Say = Callable[[str], None]


def wanted() -> tuple[bool, bool]:
    """Whether PostgreSQL and Redis are ours to run."""
    return not environment.value("DATABASE_URL"), not environment.value("REDIS_URL")


def ensure(var: Path, say: Say) -> None:
    """Have programs for both servers ready, so that a later start needs no network; quiet when they are."""
    where = places.of(var)
    database, redis = wanted()
    with lock.held(var / "embedded.lock"):
        if database and not postgres.is_up(where):
            binaries.postgres(where, say)
        if redis:
            binaries.redis(where, say)


def start(var: Path, say: Say) -> dict[str, str]:
    """Start what is ours and not yet running; returns addresses and keys."""
    where = places.of(var)
    database, redis = wanted()
    with lock.held(var / "embedded.lock"):
        secrets = keys.load(var)
        if database:
            postgres.start(where, secrets["superuser_password"], say)
        if redis:
            redis_server.start(where, secrets["redis_password"], say)
    return addresses.of(var)


def stop(var: Path, say: Say = lambda _: None) -> None:
    """Stop the servers of this folder, Redis first."""
    where = places.of(var)
    with lock.held(var / "embedded.lock"):
        redis_server.stop(where, say)
        postgres.stop(where, say)


def has_died(where: Places) -> bool:
    """Whether one of our servers is gone; a look at its process only, so that it can be asked all the time."""
    database, redis = wanted()
    return (database and postgres.server_pid(where) is None) or (redis and redis_server.server_pid(where) is None)


def status(var: Path) -> dict[str, str]:
    """For each server: `running`, `stopped` or `external`."""
    where = places.of(var)
    database, redis = wanted()
    password = keys.load(var)["redis_password"]
    return {
        "PostgreSQL": ("running" if postgres.is_up(where) else "stopped") if database else "external",
        "Redis": ("running" if redis_server.is_up(where, password) else "stopped") if redis else "external",
    }
