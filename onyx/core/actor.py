"""The person (or job) that acts, as everything below the edge sees them."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Request:
    """Where an act came from: one HTTP request, socket event, job or command."""

    id: str
    method: str = ""
    route: str = ""
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in which tenant, with which permissions at this very moment."""

    tenant_id: UUID
    tenant_slug: str
    tenant_name: str
    user_id: UUID | None
    email: str
    name: str
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    session_id: UUID | None = None
    kind: str = "user"
    preferences: dict[str, object] = field(default_factory=dict)
    request: Request = Request(id="")

    def may(self, permission: str) -> bool:
        return permission in self.permissions
