"""A database of its own in the run's server: its roles and nothing else, gone at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from onyx.tenancy import bootstrap


@contextmanager
def one_more(addresses: dict[str, str], kind: str) -> Iterator[str]:
    """Its name, which begins with `kind`."""
    name = f"{kind}_{os.urandom(4).hex()}"
    passwords = [unquote(urlsplit(addresses[one]).password or "") for one in ("DATABASE_OWNER_URL", "DATABASE_URL")]
    bootstrap.bootstrap(addresses["DATABASE_SUPERUSER_URL"], *passwords, database=name)
    yield name
    with psycopg.connect(addresses["DATABASE_SUPERUSER_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
