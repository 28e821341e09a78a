"""The other database machines: a tenant lies on one node whole, the control plane stays on `main` (O3).

Here are the owner's addresses, for the steward and the command line. Where requests go is onyx.tenancy.placement.
"""

from collections.abc import Mapping
from uuid import UUID

import psycopg

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


def introduce(connection: psycopg.Connection, tenant: UUID, slug: str, name: str) -> None:
    """Write a tenant's row on a node that is not `main`: its ledger there hangs on it."""
    connection.execute(
        "insert into onyx.tenant (id, slug, name, status) values (%s, %s, %s, 'active') on conflict (id) do nothing",
        [tenant, slug, name],
    )
