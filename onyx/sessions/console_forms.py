"""What administrators send to end login sessions of others."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from onyx.edge.http import Body

AT_ONCE = 200


class Matching(Body):
    """The filter of the list, as a body; at least one part."""

    user_id: UUID | None = None
    ip: str = Field("", max_length=60)
    device: str = Field("", max_length=80)
    q: str = Field("", max_length=200)
    older_than: int = Field(0, ge=0, le=999_999_999)
    younger_than: int = Field(0, ge=0, le=999_999_999)

    @model_validator(mode="after")
    def something(self) -> Self:
        parts = (value.strip() if isinstance(value, str) else value for value in self.model_dump().values())
        if not any(parts):  # blanks narrow nothing down: they would find everybody
            raise ValueError("give at least one part of the filter, or all: true instead of matching")
        return self


class Revocation(Body):
    """Some sessions, all of one person, all that a filter finds, or all of the organisation but the one that asks.

    `confirm` is the short name of the organisation, typed by whoever is about to end what they have not seen one by
    one: `matching` needs it, `all` is refused when it is there and wrong.
    """

    user_id: UUID | None = None
    all: bool = False
    ids: Annotated[list[UUID], Field(min_length=1, max_length=AT_ONCE)] | None = None
    matching: Matching | None = None
    confirm: str | None = Field(None, max_length=80)

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if sum((self.user_id is not None, self.all, self.ids is not None, self.matching is not None)) != 1:
            raise ValueError("give one of user_id, ids, matching and all: true")
        if self.matching is not None and self.confirm is None:
            raise ValueError("matching needs confirm")
        return self


class PlatformRevocation(Revocation):
    """The same in one organisation, named by its id; `ids` and `matching` may also reach over all of them."""

    tenant_id: UUID | None = None
    after: UUID | None = None

    @model_validator(mode="after")
    def somewhere(self) -> Self:
        if self.tenant_id is None and (self.all or self.user_id is not None):
            raise ValueError("name the organisation: tenant_id")
        return self


class SessionPolicy(Body):
    """What is left out stays; null brings Onyx's default back."""

    session_idle_seconds: int | None = Field(None, ge=300, le=90 * 86_400, description="Unused for so long, it ends.")
    session_absolute_seconds: int | None = Field(None, ge=900, le=365 * 86_400, description="It ends in any case.")
    session_max_concurrent: int | None = Field(None, ge=1, le=1000, description="With one more, the oldest ends.")
    remember_days: int | None = Field(None, ge=0, le=365, description="For “keep me signed in”; 0 ignores the wish.")
