"""On which database machine a tenant lies: asked of the control plane, remembered, asked again when a node refuses (O3).

Without DATABASE_NODES there is one database and nothing of this is asked.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Engine

from onyx.core import db as database
from onyx.core.db import db
from onyx.core.errors import Unavailable
from onyx.core.scope import Scope

from .nodes import MAIN
from .walls import control_plane

REMEMBERED = 10_000
SECONDS = 300.0


def bind_of(node: str) -> str:
    """The key of a node's pool among Flask-SQLAlchemy's binds."""
    return f"node:{node}"


def install(nodes: Mapping[str, str]) -> None:
    """Begin to ask, if there are further nodes."""
    database.place(Placement() if nodes else None)


def tenants_by_node(scope: Scope) -> dict[str, int]:
    """How many tenants lie on each node, for purpose `platform`."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql("select node, count(*) from tenant group by node order by node").all()
    return {row[0]: row[1] for row in found}


class Placement:
    """Where tenants lie, as far as this process has asked; bounded, and old answers are asked for anew."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def engine(self, scope: Scope) -> Engine:
        """The engine of the tenant's node. Raises Unavailable for a node that this process has no address of."""
        node = self._node(scope)
        found = db.engine if node == MAIN else db.engines.get(bind_of(node))
        if found is None:
            raise Unavailable("This organisation lies on a database that is not known here.")
        return found

    def look_again(self, scope: Scope) -> None:
        """Forget where the tenant lay: the next transaction asks the control plane."""
        with self._lock:
            self._known.pop(scope.tenant, None)

    def _node(self, scope: Scope) -> str:
        with self._lock:
            known = self._known.get(scope.tenant)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        with control_plane(Scope(scope.tenant, "auth")) as connection:
            row = connection.exec_driver_sql("select node from tenant where id = %s", (scope.tenant,)).one_or_none()
        node = str(row.node) if row else MAIN
        with self._lock:
            self._known[scope.tenant] = node, time.monotonic() + SECONDS
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return node
