"""A tenant's two sides: the control plane on `main`, its rows on the node where it lies, which may be `main` as well."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import NamedTuple
from uuid import UUID

import psycopg

from onyx.tenancy import nodes
from onyx.tenancy.steward import Refused

from .tables import Connection


class Sides(NamedTuple):
    """The owner's connections to both, in autocommit; one and the same for a tenant on `main`."""

    main: Connection
    home: Connection

    @property
    def apart(self) -> bool:
        return self.home is not self.main

    @contextmanager
    def transaction(self, between: Callable[[str], object] = str) -> Iterator[None]:
        """One transaction, or one on each side, of which the rows' commits first; `between` hears of that moment."""
        with self.main.transaction():
            if not self.apart:
                yield
                return
            with self.home.transaction():
                yield
                self.main.execute("set constraints all immediate")  # what main would refuse, it refuses now
            between("rows committed")


@contextmanager
def opened(owner_url: str, node: str, main: Connection | None = None) -> Iterator[Sides]:
    """Both sides of a tenant on `node`. Raises Refused for a node of which this process has no address."""
    try:
        home_url = nodes.owner_of(node, owner_url)
    except nodes.UnknownNode as unknown:
        raise Refused(f"{unknown}: this process cannot reach where the organisation lies.") from None
    with nullcontext(main) if main is not None else closing(psycopg.connect(owner_url, autocommit=True)) as here:
        if node == nodes.MAIN:
            yield Sides(here, here)
            return
        with closing(psycopg.connect(home_url, autocommit=True, connect_timeout=5)) as home:
            yield Sides(here, home)


def node_of(main: Connection, tenant: UUID) -> str:
    """Where a tenant lies; `main` for one that there is none of."""
    row = main.execute("select node from onyx.tenant where id = %s", [tenant]).fetchone()
    return str(row[0]) if row else nodes.MAIN
