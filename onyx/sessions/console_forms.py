"""What administrators send to end login sessions of others."""

from typing import Self
from uuid import UUID

from pydantic import model_validator

from onyx.edge.http import Body


class Revocation(Body):
    """All sessions of one person, or all of the organisation but the one that asks."""

    user_id: UUID | None = None
    all: bool = False

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if (self.user_id is None) == (not self.all):
            raise ValueError("give either user_id or all: true")
        return self


class PlatformRevocation(Revocation):
    """The same in one organisation, named by its id."""

    tenant_id: UUID
