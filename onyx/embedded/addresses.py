"""The addresses of the servers and the keys, by the names that the application reads from its environment."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from onyx.embedded import environment, keys, lock, places, redis_server
from onyx.embedded.places import Places

DATABASE = ("DATABASE_URL", "DATABASE_OWNER_URL")
KEYS = ("ONYX_SECRET_KEY", "ONYX_MASTER_KEY")
PREVIOUS = "ONYX_MASTER_KEY_PREVIOUS"


def of(var: Path) -> dict[str, str]:
    """Every address and key of the installation in `var`; what the environment gives comes first."""
    where = places.as_decided(var)
    with lock.held(var / "embedded.lock"):
        secrets = keys.load(var)
        found = {name: environment.value(name) or secrets[name] for name in KEYS}
        if previous := environment.value(PREVIOUS) or secrets.get(PREVIOUS):
            found[PREVIOUS] = previous
        found |= external_database() or database(where, secrets)
        found["REDIS_URL"] = environment.value("REDIS_URL") or redis(where, secrets)
    return found


def external_database() -> dict[str, str]:
    """The addresses of a database that the operator runs; empty when the embedded one is to be used."""
    if not environment.value("DATABASE_URL"):
        return {}
    return {name: address for name in DATABASE if (address := environment.value(name))}


def database(where: Places, secrets: dict[str, str]) -> dict[str, str]:
    """The embedded PostgreSQL, once for each role."""
    host = quote(str(where.sockets), safe="")
    return {
        "DATABASE_URL": f"postgresql://onyx_app:{secrets['app_password']}@/onyx?host={host}",
        "DATABASE_OWNER_URL": f"postgresql://onyx_owner:{secrets['owner_password']}@/onyx?host={host}",
        "DATABASE_SUPERUSER_URL": f"postgresql://postgres:{secrets['superuser_password']}@/postgres?host={host}",
    }


def redis(where: Places, secrets: dict[str, str]) -> str:
    """The embedded Redis."""
    return f"redis://:{secrets['redis_password']}@127.0.0.1:{redis_server.port(where)}/0"
