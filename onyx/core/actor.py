"""The person (or job) that acts, as everything below the edge sees them."""

from dataclasses import dataclass, field
from uuid import UUID

from .errors import DailyQuotaReached


@dataclass(frozen=True, slots=True)
class Request:
    """Where an act came from: one HTTP request, socket event, job or command."""

    id: str
    method: str = ""
    route: str = ""
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an organisation sets for each request of its people; the rest of its settings is read where it is needed.

    `networks` are the CIDR blocks to come from, none for anywhere; numbers are for a day (UTC), None for any number;
    `own_model` is None where nobody has looked.
    """

    networks: tuple[str, ...] = ()
    messages: int | None = None
    api_calls: int | None = None
    own_model: bool | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in which tenant, with which permissions at this very moment.

    `ceiling` is what the person behind an API key may do in all, of which the key's permissions are a part.
    `spent`: why this request may send nothing any more today; it may still ask what became of what was sent before.
    `must_enrol`: the tenant requires a second factor that this person has not set up, so they may do nothing else.
    """

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
    ceiling: frozenset[str] | None = None
    must_enrol: bool = False
    bounds: Bounds = Bounds()
    spent: DailyQuotaReached | None = None

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    @property
    def for_a_person(self) -> bool:
        """Whether a person's own rights bound what this actor may give to others; commands and jobs have no such bound."""
        return self.kind in ("user", "api_key", "scim")
