"""A tenant from one prepared script: its row, then schema, role, tables, first log partitions and ledger at once (T11)."""

from uuid import UUID

import psycopg
import structlog
from psycopg.errors import UniqueViolation

from onyx.core.ids import uuid7

from . import ledger, nodes, stock
from .context import schema_of
from .structure import lacking, make_partitions, script

_log = structlog.get_logger()


def provision(owner_url: str, slug: str, name: str, tenant: UUID | None = None, node: str = nodes.MAIN) -> UUID:
    """Create a tenant on a node: one that was prepared ahead, where there is one, else anew.

    Killed at any point and run again with the same slug, it finishes what was begun.

    Raises psycopg.errors.UniqueViolation when the slug belongs to a finished tenant, CheckViolation when it is
    malformed, UnknownNode.
    """
    home_url = nodes.owner_of(node, owner_url)
    with psycopg.connect(owner_url, autocommit=True) as main:
        begun = _begun(main, slug)
        if begun is None and tenant is None and node == nodes.MAIN and (taken := stock.take(main, slug, name)):
            return taken
        tenant_id, home = begun or _reserve(main, slug, name, tenant, node)
        home_url = home_url if home == node else nodes.owner_of(home, owner_url)
        if home != nodes.MAIN:
            with psycopg.connect(home_url, autocommit=True) as there:
                _build_elsewhere(main, there, tenant_id)
        with main.transaction():
            state = main.execute("select status from onyx.tenant where id = %s for update", [tenant_id]).fetchone()
            if state != ("provisioning",):
                raise UniqueViolation(f"{slug!r} was made by somebody else meanwhile")
            _open(main, tenant_id, script(main, tenant_id) if home == nodes.MAIN else "")
    return tenant_id


def partitions_ahead(owner_url: str, months: int = 3, only: UUID | None = None) -> tuple[int, int, list[UUID]]:
    """Make what is missing of the log partitions of `months` months, for every tenant that is not put away, or for one.

    One look at each node tells which tenants lack any. Returns how many tenants there are, how many had to be served,
    and those for which it failed; one that fails keeps no other.
    """
    with psycopg.connect(owner_url, autocommit=True, connect_timeout=5) as main:
        lying = main.execute(
            "select node, array_agg(id) from onyx.tenant where id = %s and status not in ('provisioning', 'deleting')"
            " or %s::uuid is null and status in ('active', 'suspended') group by node",
            [only, only],
        ).fetchall()
    made = 0
    failed: list[UUID] = []
    for node, tenants in lying:
        try:
            served, trouble = _serve_node(owner_url, node, tenants, months)
        except (psycopg.Error, nodes.UnknownNode):
            served, trouble = 0, tenants
            _log.exception("no partitions made on a whole node", node=node)
        made, failed = made + served, failed + trouble
    return sum(len(tenants) for _, tenants in lying), made, failed


def _serve_node(owner_url: str, node: str, tenants: list[UUID], months: int) -> tuple[int, list[UUID]]:
    failed = []
    with psycopg.connect(nodes.owner_of(node, owner_url), autocommit=True, connect_timeout=5) as home:
        if node != nodes.MAIN:
            with psycopg.connect(owner_url, autocommit=True, connect_timeout=5) as main:
                nodes.introduce(main, home, tenants)
        home.execute("select pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
        behind = lacking(home, tenants, months)
        for tenant in behind:
            try:
                make_partitions(home, tenant, months)
            except psycopg.Error:
                failed.append(tenant)
                _log.exception("no partitions made", tenant=str(tenant))
    return len(behind) - len(failed), failed


_ONE_AT_A_TIME = 0x0A11_0002


def _begun(main: psycopg.Connection, slug: str) -> tuple[UUID, str] | None:
    """The row of a run that was killed, with the node that it had chosen."""
    return main.execute(
        "select id, node from onyx.tenant where slug = %s and status = 'provisioning'", [slug]
    ).fetchone()


def _reserve(main: psycopg.Connection, slug: str, name: str, tenant: UUID | None, node: str) -> tuple[UUID, str]:
    """A new row."""
    tenant_id = tenant or uuid7()
    main.execute(
        "insert into onyx.tenant (id, slug, name, node) values (%s, %s, %s, %s)", [tenant_id, slug, name, node]
    )
    return tenant_id, node


def _open(main: psycopg.Connection, tenant: UUID, built: str) -> None:
    """The structure, the ledger and the word that the tenant is there: one round trip, all or nothing."""
    ready = f"update onyx.tenant set status = 'active' where id = '{tenant}'"
    main.execute("\n".join([built, ledger.all_applied(tenant) + ";", ready]).encode())


def _build_elsewhere(main: psycopg.Connection, there: psycopg.Connection, tenant: UUID) -> None:
    """On another node the structure comes first, with a ledger of its own; `main` learns of it when it stands."""
    with there.transaction():
        nodes.introduce(main, there, [tenant])
        there.execute("select 1 from onyx.tenant where id = %s for update", [tenant])
        if there.execute("select to_regnamespace(%s)", [schema_of(tenant)]).fetchone() == (None,):
            there.execute("\n".join([script(there, tenant), ledger.all_applied(tenant)]).encode())
