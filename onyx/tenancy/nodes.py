"""The other database machines: a tenant lies on one node whole, the control plane stays on `main` (O3).

Here are the owner's addresses, for the steward and the command line. Where requests go is onyx.tenancy.placement.
"""

from collections.abc import Mapping
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

MAIN = "main"
_owners: Mapping[str, str] = {MAIN: ""}


class UnknownNode(Exception):
    """A tenant lies on a node whose owner's address this process was not given (DATABASE_OWNER_NODES)."""


def install(owners: Mapping[str, str]) -> None:
    """Set once at start: name of each further node → URL of its owner."""
    global _owners
    _owners = {MAIN: "", **owners}


def names() -> list[str]:
    """All nodes that this process can build on, `main` first."""
    return list(_owners)


def owner_of(node: str, main_url: str) -> str:
    """The owner's URL on a node. Raises UnknownNode."""
    if node not in _owners:
        raise UnknownNode(f"DATABASE_OWNER_NODES names no node {node!r}")
    return _owners[node] or main_url


def is_citus(connection: psycopg.Connection) -> bool:
    """Whether this node runs Citus, which takes policies in another form."""
    return connection.execute("select 1 from pg_extension where extname = 'citus'").fetchone() is not None


def introduce(main: psycopg.Connection, there: psycopg.Connection, tenants: list[UUID]) -> None:
    """Write tenants' rows on a node that is not `main`, or bring them up to date: its ledger and quotas hang on them."""
    for row in main.execute(
        "select id, slug, name, settings from onyx.tenant where id = any(%s)", [tenants]
    ).fetchall():
        there.execute(
            "insert into onyx.tenant (id, slug, name, settings, status) values (%s, %s, %s, %s, 'active')"
            " on conflict (id) do update set slug = excluded.slug, name = excluded.name, settings = excluded.settings"
            " where (tenant.slug, tenant.name, tenant.settings)"
            " is distinct from (excluded.slug, excluded.name, excluded.settings)",
            [row[0], row[1], row[2], Jsonb(row[3])],
        )
