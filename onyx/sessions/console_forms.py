"""What administrators send to end login sessions of others."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

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


class SessionPolicy(Body):
    """What is left out stays; null brings Onyx's default back."""

    session_idle_seconds: int | None = Field(None, ge=300, le=90 * 86_400, description="Unused for so long, it ends.")
    session_absolute_seconds: int | None = Field(None, ge=900, le=365 * 86_400, description="It ends in any case.")
    session_max_concurrent: int | None = Field(None, ge=1, le=1000, description="With one more, the oldest ends.")
    remember_days: int | None = Field(None, ge=0, le=365, description="For “keep me signed in”; 0 ignores the wish.")
